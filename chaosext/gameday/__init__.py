"""Game days: experiments run one after another, with one exit code."""
