"""Score every generated text by a text classifier, without the model that wrote it."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import check_digests, read_json
    from emovec.io.tables import write_table
    from emovec.models.loading import choose_device
    from emovec.steering.classifiers import chosen_labels, load_classifier
    from emovec.steering.texts import read_texts

    paths, params = snakemake.input, snakemake.params
    name, folder = snakemake.wildcards.classifier, Path(paths.model[0]).parent
    manifest = read_json(folder / "manifest.json")
    labels = chosen_labels(name, params.classifier, manifest["labels"])
    check_digests(folder, manifest["files"])
    classifier = load_classifier(folder, choose_device(params.device), manifest)
    scores = classifier.scores(read_texts(paths.texts, *paths.asked).text.tolist())
    write_table(scores[labels].add_prefix(f"{name}_"), snakemake.output[0], "classified")
