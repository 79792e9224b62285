"""What feature sets of an evaluation are called, and of which kind they are."""

FAMILIES = (
    "latent", "unimodal", "supervised", "pca", "classical", "covariates", "shuffled", "joint", "5",
    "20", "50", "best",
)  # fmt: skip
"""Kinds of feature sets, and of tests of an association."""


def family(features: str) -> str:
    """Return the kind of a feature set: the first of its words that is one; empty for none.

    Args:
        features: Name of the set in the tables.
    """
    words = features.replace("-", "_").split("_")
    return next((word for word in words if word in FAMILIES), "")


def spoken(features: str) -> str:
    """Say a feature set's name in words.

    Args:
        features: Name of the set in the tables.
    """
    words = features.replace("_", " ")
    for small, large in (("ecg", "ECG"), ("mri", "MRI"), ("pca", "PCA"), ("pcs", "PCs")):
        words = " ".join(large if word == small else word for word in words.split(" "))
    return words
