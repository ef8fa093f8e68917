"""The pieces that single presets of `conf/experiment` need: what they show, and how they answer."""
