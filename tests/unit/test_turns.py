"""Chat templates: from wherever a tokenizer has them to the text that is read, and no further."""

import json
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.models.untrained import BOS, byte_tokenizer
from emovec.prompts.turns import Turn, encoder_of
from tiny import CHAT, SUFFIX, source, write_chatting, write_gguf

torch = pytest.importorskip("torch")
from emovec.activations.capture import Reader, origin  # noqa: E402
from emovec.models.sources import fetch  # noqa: E402

TEXTS = ["Thank you for the ladder.", "No.", "Cheers 🎉, mate!", "本当にありがとう。"]
ENTRY = {"prepend_bos": True, "space": "raw", "template": "chat"}
SETTINGS = {
    "device": "cpu", "dtype": "float32", "batch_tokens": 200, "mean_from": 0,
}  # fmt: skip
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ALTERNATING = """{{ bos_token }}
{%- if tools is not none %}{{ raise_exception("no tools") }}{% endif %}
{%- set ns = namespace(turns=0) %}
{%- for message in messages %}
    {%- if (message['role'] == 'user') != (ns.turns % 2 == 0) %}
        {{- raise_exception("roles must alternate") }}
    {%- endif %}
    {%- if message['content'] is not string %}{% continue %}{% endif %}
    {%- set ns.turns = ns.turns + 1 %}
    {{- '<turn>' + message['role'] + '\n' + message['content'] | trim + '</turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<turn>model\n' }}{% endif %}
"""
TRAINING = CHAT.replace("[reply]", "{% generation %}[reply]{% endgeneration %}")


@pytest.mark.parametrize("template", [CHAT, CHATML, ALTERNATING, TRAINING])
def test_text_is_what_transformers_renders(template: str) -> None:
    from transformers import PreTrainedTokenizerFast

    theirs = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(), bos_token=BOS, chat_template=template
    )
    for text in TEXTS:
        rendered, (begin, end) = Turn("m", template, theirs.special_tokens_map)(text, "x")
        said = [{"role": "user", "content": text}]
        assert rendered == theirs.apply_chat_template(
            said, tokenize=False, add_generation_prompt=True
        )
        assert rendered[begin:end] == text


def test_day_of_a_template_is_always_the_same() -> None:
    dated = "It is {{ strftime_now('%d %b %Y') }}. {{ messages[0].content }}"
    assert Turn("m", dated, {})("Hello.", "x")[0] == "It is 26 Jul 2024. Hello."


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ raise_exception('system first') }}", "system first"),
        ("{{ messages[1].content }}", "no element 1"),
        ("{% for m in messages %}", "Unexpected end of template"),
        ("{{ messages[0].content.__class__.__mro__ }}", "access to attribute '__class__'"),
        ("{{ cycler.__init__.__globals__.os.system('touch ran') }}", "unsafe"),
        ("{{ namespace.__init__.__globals__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ open('/etc/hostname').read() }}", "'open' is undefined"),
        ("{% include '/etc/hostname' %}", "no loader"),
    ],
)
def test_template_that_cannot_be_rendered(template: str, says: str) -> None:
    """Or that would do more than write a text: it comes from elsewhere."""
    with pytest.raises(InputError, match=r"The chat template of m cannot be rendered") as caught:
        Turn("m", template, {})("Hello.", "x")
    sentence = str(caught.value)
    assert says in sentence and "\n" not in sentence
    assert sentence.endswith("set models.m.template to none.")


def test_template_is_found_wherever_a_tokenizer_has_it(tmp_path: Path) -> None:
    local = write_chatting(tmp_path / "local")
    assert (local / "chat_template.jinja").read_text() == CHAT
    manifests = [fetch({"path": str(local)}, tmp_path / "jinja", tmp_path)]
    (local / "chat_template.jinja").unlink()
    path = local / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    several = [{"name": "default", "template": CHAT}, {"name": "rag", "template": "other"}]
    for place, template in enumerate((CHAT, several)):
        path.write_text(json.dumps(settings | {"chat_template": template}))
        manifests.append(fetch({"path": str(local)}, tmp_path / f"config{place}", tmp_path))
    gguf = write_gguf(tmp_path / "gguf/m.gguf", chat_template=CHAT)
    manifests.append(fetch({"path": str(gguf)}, tmp_path / "from_gguf", tmp_path))
    borrowing = source("llama", seed=3)
    manifests.append(
        fetch(borrowing, tmp_path / "twin", tmp_path, tokenizer_from=tmp_path / "jinja")
    )
    for manifest in manifests:
        assert manifest["chat_template"] == CHAT
        assert manifest["special_tokens"]["bos_token"] == BOS
    for template in (None, [], 7):
        path.write_text(json.dumps(settings | {"chat_template": template}))
        bare = fetch({"path": str(local)}, tmp_path / "bare", tmp_path)
        assert bare["chat_template"] is None
    with pytest.raises(InputError, match=r"The tokenizer of m has no chat template: set models\.m"):
        encoder_of(tmp_path / "bare/tokenizer.json", bare, ENTRY, "m")


def test_streams_in_a_turn_are_those_of_the_rendered_text(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    local = write_chatting(tmp_path / "local")
    manifest = fetch({"path": str(local)}, tmp_path / "m", tmp_path)
    one = Reader.load("m", tmp_path / "m", ENTRY, SETTINGS, SUFFIX)
    positions = ["last", "mean", "suffix", "user_end", "reply_start"]
    found = {position: {} for position in positions}
    for _, position, rows, residual in one.read(one.plan("prompts", TEXTS, None, TEXTS, positions)):
        found[position] |= dict(zip(rows, residual, strict=True))

    tokenizer = AutoTokenizer.from_pretrained(local)
    model = AutoModelForCausalLM.from_pretrained(local, dtype=torch.float32).eval()

    def by_hand(text: str) -> np.ndarray:
        """[depth, token, d_model] but for the last depth, which is after the norm."""
        said = [{"role": "user", "content": text}]
        ids = tokenizer.apply_chat_template(
            said, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )["input_ids"]
        with torch.inference_mode():
            states = model(ids, output_hidden_states=True).hidden_states
        return torch.stack(states)[:-1, 0].numpy()

    def close(position: str, row: int, stream: np.ndarray) -> bool:
        return np.allclose(found[position][row][:-1], stream, rtol=1e-4, atol=1e-5)

    after = len(b"\n[reply]\n")  # the tokens are bytes
    for row, text in enumerate(TEXTS):
        states = by_hand(text)
        assert close("reply_start", row, states[:, -1])
        assert close("user_end", row, states[:, -1 - after])
        assert close("last", row, states[:, -1 - after])
        assert close("suffix", row, by_hand(text + SUFFIX)[:, -1 - after])
        assert not close("suffix", row, by_hand(text)[:, -1])
    read = origin(one, manifest, ENTRY, "float32", {})
    assert read["template"] == "chat"
    assert read["chat_template_sha256"] == Turn("m", CHAT, {}).sha256
    plain = Reader.load("m", tmp_path / "m", ENTRY | {"template": "none"}, SETTINGS, SUFFIX)
    assert "chat_template_sha256" not in origin(plain, manifest, ENTRY, "float32", {})
    encoded, read = one.every_token(TEXTS[:1], ["x"], "reply_start")
    [(row, stream)] = read
    assert len(stream) == len(encoded[0].ids) and close("reply_start", row, stream[-1, :-1])
