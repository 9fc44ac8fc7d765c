"""Prompt methods against naive references, sample by sample."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from conftest import dual_inputs, joined, random_inputs, through, tiny_backbone, tiny_clip
from mora_baselines.aoept import Aoept
from mora_baselines.dcp import THIRD, Dcp
from mora_baselines.map import LENGTH, Map, MapAttention
from mora_baselines.memprompt import MemPrompt
from mora_baselines.msp import ORTHOGONALITY, Msp
from mora_baselines.scp import FIXED, Scp

from mora_bench.backbones.contract import At
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.methods.contract import Axes, Place

PRESENT = [[True, True], [True, False], [False, True]]
#: Their numbers: text only 0, image only 1, complete 2.
PATTERNS = [2, 0, 1]


def one(x):
    """Tokens of a single unmasked sample."""
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    return Tokens(x, mask, torch.ones(len(x), 2, dtype=torch.bool), torch.zeros(x.shape[:2]))


def test_map_equals_concatenating_each_samples_prompts_by_hand():
    backbone = tiny_backbone()
    method = Map(backbone, Axes(blocks=(0, 1)))
    torch.nn.init.normal_(method.prompts["all"])
    tokens = joined(backbone, PRESENT)
    got = through(backbone, method, tokens)
    assert got.x.shape[1] == tokens.x.shape[1] + 2 * LENGTH
    assert (got.modality[:, -2 * LENGTH :] == -1).all()
    for row, pattern in enumerate(PATTERNS):
        x = tokens.x[row : row + 1]
        for i in range(3):
            if i < 2:
                x = torch.cat([method.prompts["all"][pattern, i][None], x], 1)
            x = backbone.block(At(0, i), one(x)).x
        torch.testing.assert_close(got.x[row, 0], x[0, 2 * LENGTH], rtol=0, atol=1e-5)


def attention_by_hand(backbone, layer, x, keys, values):
    """One sample [T, D] through a block whose keys and values are preceded by others [P, D]."""
    attention = layer.attention.attention
    y = layer.layernorm_before(x)
    query = attention.query(y)
    key, value = torch.cat([keys, attention.key(y)]), torch.cat([values, attention.value(y)])
    heads = []
    for q, k, v in zip(*(part.chunk(backbone.heads, -1) for part in (query, key, value)), strict=True):
        heads.append((q @ k.T / k.shape[-1] ** 0.5).softmax(-1) @ v)
    x = x + layer.attention.output.dense(torch.cat(heads, -1))
    return x + layer.output.dense(F.gelu(layer.intermediate.dense(layer.layernorm_after(x))))


def test_map_at_the_attention_level_equals_concatenated_keys_and_values():
    backbone = tiny_backbone()
    method = MapAttention(backbone, Axes(blocks=(0, 2)))
    torch.nn.init.normal_(method.prompts["all"])
    tokens = joined(backbone, PRESENT)
    got = through(backbone, method, tokens)
    assert got.x.shape == tokens.x.shape
    for row, pattern in enumerate(PATTERNS):
        x = tokens.x[row]
        for i, layer in enumerate(backbone.vilt.encoder.layer):
            prompts = method.prompts["all"][pattern, {0: 0, 2: 1}[i]] if i != 1 else torch.zeros(0, 32)
            half = len(prompts) // 2
            x = attention_by_hand(backbone, layer, x, prompts[:half], prompts[half:])
        torch.testing.assert_close(got.x[row], x, rtol=0, atol=1e-5)


def test_map_starts_as_released():
    method, attention = Map(tiny_backbone(), Axes(blocks=(0,))), MapAttention(tiny_backbone(), Axes(blocks=(0,)))
    # The complete set has its ones at token 0, image missing at 1, text missing at 2; attention level also 8 further.
    for pattern, token in {2: 0, 0: 1, 1: 2}.items():
        rows = method.prompts["all"][pattern, 0].sum(-1)
        assert rows.nonzero().flatten().tolist() == [token]
        assert attention.prompts["all"][pattern, 0].sum(-1).nonzero().flatten().tolist() == [token, token + 8]


def test_msp_gives_the_sum_of_what_is_there():
    backbone = tiny_backbone()
    method = Msp(backbone, Axes(blocks=(0,)))
    tokens = joined(backbone, PRESENT)
    seen = []
    method.block(At(0, 0), lambda t: seen.append(t) or t, tokens)
    text, image = method.prompts["all"][0, 0], method.prompts["all"][1, 0]
    for row, expected in enumerate([text + image, text, image]):
        torch.testing.assert_close(seen[0].x[row, -LENGTH:], expected)


def test_msp_penalises_parallel_sets_and_not_orthogonal_ones():
    method = Msp(tiny_backbone(), Axes(blocks=(0, 1)))
    with torch.no_grad():
        method.prompts["all"][0] = 1.0
        method.prompts["all"][1] = -2.0
    assert method.penalty().item() == pytest.approx(ORTHOGONALITY)
    with torch.no_grad():
        method.prompts["all"][1, :, ::2] = 2.0
    assert method.penalty().item() == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        method.prompts["all"][1, 0] = 2.0
    assert method.penalty().item() == pytest.approx(ORTHOGONALITY / 2)


def test_dcp_replaces_its_prompts_in_each_block_and_reads_no_absent_token():
    backbone = tiny_backbone()
    method = Dcp(backbone, Axes(blocks=(0, 1)))
    tokens = joined(backbone, PRESENT)
    lengths = []

    def spy(i):
        return lambda t, prefix=None: lengths.append(t.x.shape[1]) or backbone.block(At(0, i), t)

    got = tokens
    for i in range(3):
        got = method.block(At(0, i), spy(i), got)
    total = tokens.x.shape[1]
    assert lengths == [total + 3 * THIRD, total + 3 * THIRD, total]
    assert got.x.shape == tokens.x.shape
    # The dynamic third: by hand for the sample without image, over its text tokens alone.
    text = tokens.x[1][tokens.modality[1] == 0]
    weights = (method.prompts.queries[0] @ text.T / 32**0.5).softmax(-1)
    dynamic, expected = method.prompts._dynamic(tokens, 0)[1], method.prompts.dynamic[0](weights @ text)
    torch.testing.assert_close(dynamic, expected, rtol=0, atol=1e-5)


def test_dcp_correlates_each_blocks_prompts_with_the_last_ones():
    method = Dcp(tiny_backbone(), Axes(blocks=(0, 1)))
    side = torch.cat([method.prompts.initial[0, 1], method.prompts.initial[1, 0]], -1)
    second = method.prompts.correlate[1](method.prompts.correlate[0](side))
    expected = (second[:, :32] + second[:, 32:]) / 2
    torch.testing.assert_close(method.prompts._correlated(torch.tensor([[True, False]]), 1)[0], expected)


def test_memprompt_averages_the_five_most_similar_by_their_softmax():
    backbone = tiny_backbone()
    method = MemPrompt(backbone, Axes(blocks=(0,)))
    tokens = joined(backbone, PRESENT)
    got = method._retrieve(tokens, 0, 1)
    for row in range(3):
        query = tokens.x[row][tokens.modality[row] == 1].max(0).values
        similarity = torch.stack([F.cosine_similarity(query, key, dim=0) for key in method.keys[0, 1]])
        best = similarity.argsort(descending=True)[:5]
        weights = similarity[best].softmax(0)
        expected = sum(w * method.memory[0, 1, b] for w, b in zip(weights, best, strict=True))
        torch.testing.assert_close(got[row], expected, rtol=0, atol=1e-5)


def test_memprompt_grows_the_sequence_by_64_a_block():
    backbone = tiny_backbone()
    method = MemPrompt(backbone, Axes(blocks=(0, 2)))
    tokens = joined(backbone, PRESENT)
    assert through(backbone, method, tokens).x.shape[1] == tokens.x.shape[1] + 2 * 64


def dual_streams(present):
    backbone = tiny_clip()
    batch = dual_inputs([(2, 2), (2, 4), (1, 3)], [5, 9, 2])
    return backbone, backbone.join(backbone.embed(batch), torch.tensor(present))


def test_dcp_on_two_encoders_is_the_published_one_sample_by_sample():
    """Plain sequences [correlated, common, dynamic, sample], as the released code builds them."""
    backbone, streams = dual_streams(PRESENT)
    torch.manual_seed(0)
    method = Dcp(backbone, Axes(blocks=(0, 1)))
    for parameter in method.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    prompts = method.prompts
    with torch.no_grad():
        for s, tokens in enumerate(streams):
            got = tokens
            for i in range(3):
                frozen = lambda t, i=i, s=s: backbone.block(At(s, i), t)  # noqa: E731
                got = method.block(At(s, i), frozen, got)
            assert got.x.shape[1] == tokens.x.shape[1] + 3 * THIRD
            for row, (present, pattern) in enumerate(zip(PRESENT, PATTERNS, strict=True)):
                sample = tokens.x[row][tokens.mask[row]]
                staged = [prompts.initial[str(m)][int(has)] for m, has in enumerate(present)]
                rounds = []
                for layers in prompts.correlate:
                    staged = [layers[str(m)](torch.cat(staged, -1)) for m in (0, 1)]
                    rounds.append(staged[s])
                common = prompts.share[str(s)](prompts.common[pattern])
                attend = torch.nn.MultiheadAttention(sample.shape[-1], 1, batch_first=True)
                trained = prompts.attention[str(s)]
                attend.in_proj_weight.copy_(trained.inner.weight)
                attend.in_proj_bias.copy_(trained.inner.bias)
                attend.out_proj.load_state_dict(trained.outer.state_dict())
                query = prompts.get_buffer(f"queries_{s}")[pattern][None]
                dynamic = attend(query, sample[None], sample[None])[0][0]
                # The text's pooled token stands first here, and last in its sequence.
                sample = torch.cat([sample[1:], sample[:1]]) if s == 0 else sample
                x = torch.cat([rounds[0], common, dynamic, sample])[None]
                hidden = torch.full((x.shape[1],) * 2, -torch.inf).triu(1)[None, None] if s == 0 else None
                for i in range(3):
                    if i == 1:
                        x = torch.cat([rounds[1][None], x[:, THIRD:]], 1)
                    x = backbone.layer(At(s, i))(x, hidden)
                expected = x[0, -1] if s == 0 else x[0, 3 * THIRD]
                torch.testing.assert_close(got.x[row, 0], expected, rtol=0, atol=1e-5)


def test_dcp_zeroes_the_feature_of_a_missing_modality_and_only_with_two_encoders():
    method = Dcp(tiny_clip(), Axes(blocks=(0,)))
    features = method.pooled(torch.ones(3, 48), torch.tensor(PRESENT))
    assert features[:, :24].sum(1).tolist() == [24, 24, 0]
    assert features[:, 24:].sum(1).tolist() == [24, 0, 24]
    features = torch.ones(3, 32)
    assert Dcp(tiny_backbone(), Axes(blocks=(0,))).pooled(features, torch.tensor(PRESENT)) is features


def test_towers_have_prompts_of_their_own_width():
    backbone, streams = dual_streams(PRESENT)
    for kind in (Map, MapAttention, Msp):
        method = kind(backbone, Axes(blocks=(0, 2)))
        shapes = {tower: tuple(prompts.shape[1:]) for tower, prompts in method.prompts.items()}
        assert shapes == {"text": (2, LENGTH, 32), "image": (2, LENGTH, 48)}
        for s, tokens in enumerate(streams):
            out = method.block(At(s, 2), lambda t, prefix=None, s=s: backbone.block(At(s, 2), t, prefix), tokens)
            assert torch.isfinite(out.x).all()


def test_scp_equals_its_formula_sample_by_sample():
    """Fixed prompts in block 0 of 3 (the first half), made ones in block 2: query, parts, pool, sum, by hand."""
    backbone = tiny_backbone()
    method = Scp(backbone, Axes(blocks=(0, 2))).eval()
    tokens = joined(backbone, PRESENT)
    got = through(backbone, method, tokens)
    width, parts = backbone.widths[0], method.parts
    assert width % parts == 0
    assert sorted(method.keys) == ["2"]
    assert got.x.shape[1] == tokens.x.shape[1] + 2 * (FIXED + parts)
    for row in range(len(PRESENT)):
        x = torch.cat([tokens.x[row : row + 1][:, tokens.mask[row]], method.fixed["0"][None]], 1)
        x = backbone.block(At(0, 0), one(x)).x
        x = backbone.block(At(0, 1), one(x)).x
        layer = backbone.layer(At(0, 2))
        query = layer.attention.attention.query(layer.layernorm_before(x[0, 0]))
        made = []
        for chunk in query.chunk(parts):
            weights = torch.softmax(method.keys["2"] @ chunk / width**0.5, 0)
            made.append(weights @ method.values["2"])
        x = torch.cat([x, method.fixed["2"][None], torch.stack(made)[None]], 1)
        x = backbone.block(At(0, 2), one(x)).x
        torch.testing.assert_close(got.x[row, 0], x[0, 0], rtol=0, atol=1e-5)


def test_scp_is_not_told_what_is_missing():
    backbone = tiny_backbone()
    method = Scp(backbone, Axes(blocks=(0, 1, 2))).eval()
    tokens = joined(backbone, PRESENT)
    complete = replace(tokens, present=torch.ones_like(tokens.present))
    assert torch.equal(through(backbone, method, tokens).x, through(backbone, method, complete).x)


def test_scp_starts_as_released():
    torch.manual_seed(0)
    method = Scp(tiny_backbone(), Axes(blocks=(2,)))
    for parameter, columns in (
        (method.fixed["2"], 32),
        (method.values["2"], 32),
        (method.keys["2"], 32 // method.parts),
    ):
        assert parameter.std().item() == pytest.approx((2 / columns) ** 0.5, rel=0.15)


def aoept(backbone, blocks, **knobs):
    method = Aoept(backbone, Axes(blocks=blocks, knobs=knobs))
    for gate in method.gates.values():
        torch.nn.init.normal_(gate[2].weight)
    return method


def test_aoept_gives_a_sample_the_prompts_of_what_it_lacks_gated_by_what_it_has():
    backbone = tiny_backbone()
    method = aoept(backbone, (0, 1))
    tokens = joined(backbone, PRESENT)
    gated, shared = method.prompts(0, tokens)
    text, image = (
        torch.stack([x[kind == m].mean(0) for x, kind in zip(tokens.x, tokens.modality, strict=True)]) for m in (0, 1)
    )

    def proxy(name, centres):
        query, heads = method.queries[name][0], []
        for q, c in zip(query.chunk(4, 1), centres.chunk(4, 1), strict=True):
            heads.append((q @ c.T / c.shape[1] ** 0.5).softmax(1) @ c)
        return F.layer_norm(torch.cat(heads, 1) + query, (32,))

    centres = [method.centres0[0], method.centres1[0]]
    for row, (has_text, has_image) in enumerate(PRESENT):
        of_text = torch.sigmoid(method.gates["0"](image[row])) if has_image else torch.ones(32)
        of_image = torch.sigmoid(method.gates["1"](text[row])) if has_text else torch.ones(32)
        for m, gate in ((0, of_text), (1, of_image)):
            expected = proxy(str(m), centres[m]) * gate
            torch.testing.assert_close(gated[row, m], expected, rtol=0, atol=1e-5)
        both = torch.sigmoid(method.gates["shared"]((text[row] + image[row]) / 2))
        torch.testing.assert_close(shared[row], proxy("shared", torch.cat(centres)) * both, rtol=0, atol=1e-5)
    weights = [[0.5, 0.5], [0, 1], [1, 0]]
    after = method.changed(Place("all", 1), lambda longer: longer, tokens)
    for row, (of_text, of_image) in enumerate(weights):
        gated, shared = method.prompts(1, tokens)
        mixed = of_text * gated[row, 0] + of_image * gated[row, 1]
        torch.testing.assert_close(after.x[row, -32:], torch.cat([shared[row], mixed]), rtol=0, atol=1e-6)


def test_aoepts_prompts_are_renewed_and_stay_after_the_last_prompted_block():
    backbone = tiny_backbone()
    method, tokens = aoept(backbone, (0, 1)), joined(backbone, PRESENT)
    assert method.changed(Place("all", 0), lambda longer: longer, tokens).x.shape == tokens.x.shape
    assert through(backbone, method, tokens).x.shape[1] == tokens.x.shape[1] + 32


def test_aoepts_contrast_by_hand():
    method = aoept(tiny_backbone(), (0,))
    prompts, features = torch.randn(4, 2, 32), torch.randn(4, 2, 32)
    present = torch.tensor([[True, True], [True, False], [True, False], [False, False]])
    loss, counts = method.contrast(prompts, features, present)
    a, b = F.normalize(prompts[:3, 0], dim=1), F.normalize(features[:3, 0], dim=1)
    assert counts.tolist() == [1, 0]
    torch.testing.assert_close(loss[0], F.cross_entropy(method.scale.exp() * a @ b.T, torch.arange(3)))
    method.terms = [torch.stack([loss, counts])]
    torch.testing.assert_close(method.penalty(), 0.05 * loss[0])


def released(backbone, parts, present, blocks, apart):
    """Mean tokens as the authors' code collects them (or, not apart, as the network meets samples): sample by sample,
    the tokens of what it lacks masked out, a complete one as two samples that lack one each."""
    means = {(m, block): [] for m in (0, 1) for block in blocks}
    for row, has in enumerate(present.tolist()):
        for shown in [[True, False], [False, True]] if apart and all(has) else [has]:
            tokens = torch.cat([part.x[row][part.mask[row]] for part in parts])
            of = torch.cat([torch.full((int(part.mask[row].sum()),), m) for m, part in enumerate(parts)])
            visible = torch.tensor(shown)[of]
            # What features are read off is never masked.
            visible[0] = True
            x, of = tokens[visible][None], of[visible]
            for block in range(max(blocks) + 1):
                for m in (0, 1):
                    if block in blocks and shown[m]:
                        means[m, block].append(x[0, of == m].mean(0))
                layer = backbone.vilt.encoder.layer[block]
                y = layer(x)
                x = y[0] if isinstance(y, tuple) else y
    return {key: torch.stack(rows) for key, rows in means.items()}


@pytest.mark.parametrize("apart", [True, False])
@torch.no_grad()
def test_aoepts_tokens_are_collected_as_released_unless_asked_otherwise(apart):
    backbone, blocks = tiny_backbone(), (0, 1, 2)
    method = aoept(backbone, blocks) if apart else aoept(backbone, blocks, collect_apart=False)
    parts = backbone.embed(dual_inputs([(2, 4), (3, 3), (2, 2)], [4, 9, 6]))
    present = torch.tensor(PRESENT)
    means = method.collected([(parts, present)])
    expected, other = (released(backbone, parts, present, blocks, which) for which in (apart, not apart))
    for m in (0, 1):
        for k, block in enumerate(blocks):
            torch.testing.assert_close(means[m][k], expected[m, block], rtol=0, atol=1e-5)
            # Before the first block nothing has been read together.
            assert torch.allclose(means[m][k], other[m, block], atol=1e-3) == (block == 0)


@torch.no_grad()
def test_aoepts_means_do_not_hang_on_the_batch_as_those_over_padded_pictures_would():
    """The released mean over a padded picture's tokens is another one beside a larger picture."""
    backbone = tiny_backbone()
    method = aoept(backbone, (0,))
    beside = [dual_inputs([(2, 2), other], [4, 4]) for other in ((2, 2), (3, 4))]
    beside[1] = beside[1].with_tensors([t.clone() for t in beside[1].tensors()])
    beside[1].inputs[1].pixels[0, :, :32, :32] = beside[0].inputs[1].pixels[0]
    tokens = [backbone.join(backbone.embed(batch), batch.present)[0] for batch in beside]
    ours = [method.means(stream)[0, 1] for stream in tokens]
    torch.testing.assert_close(*ours, rtol=0, atol=1e-5)
    padded = [stream.x[0, 4:].mean(0) for stream in tokens]
    torch.testing.assert_close(padded[0], ours[0], rtol=0, atol=1e-5)
    assert (padded[0] - padded[1]).abs().max() > 0.05


def test_aoepts_centres_are_those_of_the_tokens_that_training_shows():
    backbone = tiny_backbone()
    method = aoept(backbone, (0, 2))
    parts = backbone.embed(random_inputs(3))
    present = torch.tensor(PRESENT)
    method.fit([(parts, present)])
    # Two samples have each modality: every one is a centre of its own.
    assert method.centres0.shape == method.centres1.shape == (2, 2, 32)
    (tokens,) = backbone.join(parts, present)
    expected = torch.stack([x[kind == 1].mean(0) for x, kind in zip(tokens.x, tokens.modality, strict=True)])[[0, 2]]
    centres = method.centres1[0]
    torch.testing.assert_close(centres[centres[:, 0].argsort()], expected[expected[:, 0].argsort()], rtol=0, atol=1e-5)
    noise = [
        Part(torch.where(present[:, m, None, None], p.x, torch.randn_like(p.x)), p.mask) for m, p in enumerate(parts)
    ]
    noise[0].x[:, 0] = parts[0].x[:, 0]
    other = aoept(backbone, (0, 2))
    other.fit([(noise, present)])
    torch.testing.assert_close(method.centres0, other.centres0, rtol=0, atol=1e-5)
