"""The reach: audiences, and the way to the ad platforms."""
