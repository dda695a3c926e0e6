"""How running services are found, asked and locked: admin port, control socket, state_dir/run, locks."""
