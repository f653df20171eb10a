from __future__ import annotations

from pathlib import Path

import pytest

from saccade.data import class_names
from saccade.errors import DataError


def written(root: Path, text: str, name: str = "classes.csv") -> Path:
    (root / name).write_text(text, encoding="utf-8")
    return root / name


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, '\ufeffwords, name ,class\n"tench, Tinca tinca",tench,n01440764\n\n,hen , n01514859\n')
    assert class_names.read(path) == {"n01440764": "tench", "n01514859": "hen"}


def test_looked_for_named_or_left_alone(tmp_path: Path) -> None:
    assert class_names.of(tmp_path, "auto") == {}
    written(tmp_path, "class,name\na,tench\n")
    written(tmp_path, "class,name\na,Schleie\n", "deutsch.csv")
    assert class_names.of(tmp_path, "auto") == {"a": "tench"}
    assert class_names.of(tmp_path, "deutsch.csv") == {"a": "Schleie"}
    assert class_names.of(tmp_path, None) == {}


@pytest.mark.parametrize("text", ["", "id,label\n1,x\n", "class\na\n"])
def test_a_file_with_other_columns_is_somebody_elses(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    assert class_names.of(tmp_path, "auto") == {}
    with pytest.raises(DataError, match="it takes class and name"):
        class_names.of(tmp_path, "classes.csv")


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: no such file; data.class_names takes"):
        class_names.of(tmp_path, "none.csv")
    path = written(tmp_path, "class,name\na,crane\nb,crane\na,hen\nc,\nd\n")
    with pytest.raises(DataError) as caught:
        class_names.read(path)
    assert str(caught.value).replace(f"{path}: ", "").splitlines() == [
        "data row 2: 'a' is called 'crane' too; a name is for one class",
        "data row 3: class 'a' stands in data row 1 already",
        "data row 4: a class or a name is missing",
        "data row 5: a class or a name is missing",
    ]
    path.write_bytes(b"class,name\na,\xff\n")
    with pytest.raises(DataError, match="cannot be read as a CSV file in UTF-8"):
        class_names.of(tmp_path, "auto")
