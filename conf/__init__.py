"""What can be chosen: Hydra groups, YAML only. This file makes the folder a package that Hydra can find."""
