"""What can be chosen: Hydra groups, YAML only. This file lets Hydra find the folder."""
