"""losslab's plugins for Hydra. The folder's name is Hydra's: plugins must live under it."""
