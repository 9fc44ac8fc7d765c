"""Each baseline against a naive reference or a toy with a known answer."""

import torch
from conftest import tiny_backbone
from mora_baselines.map import LENGTH, Map
from mora_baselines.mean import Mean
from peft import LoraConfig, get_peft_model

from mora_bench import registry
from mora_bench.method import Axes
from mora_bench.tokens import Batch, Part, Tokens, join


def batch(rows=3, text=6):
    generator = torch.Generator().manual_seed(0)
    return Batch(
        torch.randint(5, 200, (rows, text), generator=generator),
        torch.ones(rows, text, dtype=torch.bool),
        torch.randn(rows, 3, 32, 64, generator=generator),
        torch.tensor([[2, 4]]).expand(rows, 2),
        torch.ones(rows, 2, dtype=torch.bool),
    )


def pooled(backbone, inputs, method=None):
    tokens = join(backbone.embed(inputs), inputs.present)
    for i in range(backbone.depth):
        frozen = lambda t, i=i: backbone.block(i, t)  # noqa: E731
        tokens = method.block(i, frozen, tokens) if method else frozen(tokens)
    return backbone.pool(tokens, backbone.vilt.pooler)


def test_lora_equals_peft_on_transformers_own_vilt():
    ours, theirs = tiny_backbone(), tiny_backbone()
    method = registry.get(registry.METHODS, "lora")(ours, Axes(4, (0, 2)))
    method.attach(ours)
    config = LoraConfig(
        r=4, lora_alpha=4, target_modules=["query", "value"], layers_to_transform=[0, 2], layers_pattern="layer"
    )
    vilt = get_peft_model(theirs.vilt, config)
    mine = {n: p for n, p in ours.vilt.named_parameters() if "lora" in n}
    peft = {n.removeprefix("base_model.model."): p for n, p in vilt.named_parameters() if "lora" in n}
    assert mine.keys() == peft.keys()
    assert len(mine) == 2 * 2 * 2
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for n, p in mine.items():
            p.copy_(torch.randn(p.shape, generator=generator) * 0.1)
            peft[n].copy_(p)
    inputs = batch()
    out = pooled(ours, inputs)
    expected = vilt(
        input_ids=inputs.ids,
        attention_mask=inputs.ids_mask.long(),
        pixel_values=inputs.pixels,
        pixel_mask=torch.ones(3, 32, 64),
    ).pooler_output
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-6)
    out.pow(2).sum().backward()
    expected.pow(2).sum().backward()
    for n, p in mine.items():
        torch.testing.assert_close(p.grad, peft[n].grad, rtol=1e-4, atol=1e-6)


def test_map_equals_concatenating_each_samples_prompts_by_hand():
    backbone = tiny_backbone()
    method = Map(backbone, Axes(blocks=(0, 1)))
    torch.nn.init.normal_(method.prompts)
    inputs = batch()
    present = torch.tensor([[True, True], [True, False], [False, True]])
    tokens = join(backbone.embed(inputs), present)
    got = tokens
    for i in range(3):
        got = method.block(i, lambda t, i=i: backbone.block(i, t), got)
    assert got.x.shape[1] == tokens.x.shape[1] + 2 * LENGTH
    assert (got.modality[:, -2 * LENGTH :] == -1).all()
    # Patterns in order: text only, image only, complete.
    for row, pattern in enumerate([2, 0, 1]):
        x = tokens.x[row : row + 1]
        for i in range(3):
            if i < 2:
                x = torch.cat([method.prompts[pattern, i][None], x], 1)
            whole = Tokens(
                x, torch.ones(x.shape[:2], dtype=torch.bool), present[row : row + 1], torch.zeros(x.shape[:2])
            )
            x = backbone.block(i, whole).x
        torch.testing.assert_close(got.x[row, 0], x[0, 2 * LENGTH], rtol=0, atol=1e-5)


def part(values, lengths):
    x = torch.tensor(values, dtype=torch.float32)[..., None]
    return Part(x, torch.arange(x.shape[1]) < torch.tensor(lengths)[:, None])


def test_mean_of_a_toy():
    imputer = Mean()
    text = part([[1, 2, 9], [3, 4, 6]], [2, 3])
    image = part([[10, 20], [30, 40]], [2, 2])
    imputer.fit([([text, image], torch.tensor([[True, True], [True, False]]))])
    absent = [part([[7, 7]], [2]), part([[5, 5]], [2])]
    filled = imputer.fill(absent, torch.tensor([[False, False]]))
    # Lengths 2 and 3 have the mean 2.5, rounded to even: 2 tokens, the means of (1, 3) and (2, 4).
    assert filled[0].x[0, filled[0].mask[0], 0].tolist() == [2, 3]
    # Only the first sample's image was observed.
    assert filled[1].x[0, filled[1].mask[0], 0].tolist() == [10, 20]


def test_mean_leaves_what_is_present_alone_and_keeps_a_dummy_it_knows_nothing_of():
    imputer = Mean()
    parts = [part([[1, 2]], [2]), part([[3, 4]], [2])]
    imputer.fit([(parts, torch.tensor([[True, False]]))])
    same = imputer.fill(parts, torch.tensor([[True, False]]))
    assert torch.equal(same[0].x, parts[0].x)
    assert torch.equal(same[1].x, parts[1].x)


def test_mean_over_batches_of_other_lengths():
    imputer = Mean()
    one, two = part([[2.0]], [1]), part([[4.0, 8.0, 1.0]], [3])
    image = part([[0.0]], [1])
    yes = torch.tensor([[True, True]])
    imputer.fit([([one, image], yes), ([two, image], yes)])
    filled = imputer.fill([one, image], torch.tensor([[False, True]]))
    assert filled[0].x[0, :, 0].tolist() == [3, 8]


def test_mean_sees_no_hidden_training_value(monkeypatch):
    hidden = torch.tensor([[True, False], [True, True]])
    fits = []
    for value in (5.0, 500.0):
        imputer = Mean()
        imputer.fit([([part([[1], [2]], [1, 1]), part([[value], [3]], [1, 1])], hidden)])
        fits.append(imputer.fill([part([[0]], [1]), part([[0]], [1])], torch.tensor([[False, False]])))
    for a, b in zip(*fits, strict=True):
        assert torch.equal(a.x, b.x)
