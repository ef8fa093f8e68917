from losslab.cli.docstring import parse

HOUSE = r"""Squared error: estimates the mean,
    and lets outliers lead.

    $$\ell = (\hat y
      - y)^2$$

    without a factor ½.

    A second paragraph.

    Estimates:
        The mean.

        Always.
    Relatives:
        l1: the median, see
            there.
        huber: both.
    Args:
        prediction: $\hat y$.
    Returns:
        One value.
    """


def test_the_sections_of_a_loss():
    doc = parse(HOUSE)
    assert doc.summary == "Squared error: estimates the mean, and lets outliers lead."
    assert doc.formulas == (r"\ell = (\hat y - y)^2",)
    assert doc.text == ("without a factor ½.", "A second paragraph.")
    assert list(doc.sections) == ["Estimates", "Relatives", "Args", "Returns"]
    assert doc.paragraphs("Estimates") == ("The mean.", "Always.")
    assert doc.entries("Relatives") == {"l1": "the median, see there.", "huber": "both."}
    assert doc.paragraphs("Nothing") == ()


def test_no_docstring():
    doc = parse(None)
    assert (doc.summary, doc.formulas, doc.text, dict(doc.sections)) == ("", (), (), {})


def test_what_stands_after_a_section_is_text():
    doc = parse("Title.\n\nArgs:\n    x: a number.\n\nNote well.")
    assert doc.text == ("Note well.",)
    assert doc.entries("Args") == {"x": "a number."}


def test_roles_and_links_of_other_packages_are_words():
    assert parse("See :class:`~torch.nn.L1Loss` and `here <https://x.org>`_.").summary == (
        "See `torch.nn.L1Loss` and here."
    )
