package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.fixtures.Recording;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** A pass that begins or stops inside the model gives the bits of a whole one. */
class PartialPassTest {
    @Property(tries = 30)
    void stoppingAtABoundaryAndGoingOnEqualsOnePass(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            float[] whole = model.logits(tokens);
            Boundary cut = random.nextBoolean()
                    ? Boundary.residPre(random.nextInt(config.nLayers() + 1))
                    : Boundary.residMid(random.nextInt(config.nLayers()));
            Recording first = Recording.everything();
            Recording second = Recording.everything();
            float[] residual = model.forward(ForwardRequest.of(tokens).to(cut).probe(first))
                    .residual();
            float[] logits = model.forward(
                            ForwardRequest.of(tokens).from(cut, residual).probe(second))
                    .logits();
            assertThat(logits).isEqualTo(whole);
            List<HookPoint> points = new ArrayList<>(first.order());
            points.addAll(second.order());
            assertThat(points).isEqualTo(HookPoint.all(config));
        }
    }

    @Property(tries = 30)
    void anAmendedCacheIsThatOfTheChangedPass(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 2 + random.nextInt(config.nCtx() - 2), seed);
        int layer = random.nextInt(config.nLayers());
        int start = random.nextInt(tokens.length - 1);
        int[] suffix = Arrays.copyOfRange(tokens, start, tokens.length - 1);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Probe edit =
                    new CallingProbe(point -> point.equals(HookPoint.of(Site.RESID_PRE, layer)), (point, residual) -> {
                        for (int row = 0; row < residual.rows(); row++) {
                            if (residual.position(row) >= start) {
                                residual.values()[row * residual.width()] += 1;
                            }
                        }
                    });
            KvCache past = model.newCache();
            Recording base = Recording.everything();
            model.forward(ForwardRequest.of(Sequence.append(past, Arrays.copyOf(tokens, tokens.length - 1)))
                    .probe(base));
            float[] before = base.of(HookPoint.of(Site.RESID_PRE, layer), 0);
            KvCache amended = past.amendable(start, past.length());
            ForwardRequest request = ForwardRequest.of(Sequence.amend(amended, start, suffix))
                    .from(Boundary.residPre(layer), Arrays.copyOfRange(before, start * config.dModel(), before.length))
                    .logits(LogitSelection.none())
                    .probe(edit);
            model.forward(request);
            int[] last = {tokens[tokens.length - 1]};
            assertThat(model.forward(ForwardRequest.of(Sequence.append(amended, last))
                                    .probe(edit))
                            .logits())
                    .isEqualTo(model.forward(ForwardRequest.of(tokens)
                                    .logits(LogitSelection.last())
                                    .probe(edit))
                            .logits());
            float[] plain = model.logits(tokens);
            assertThat(model.forward(ForwardRequest.of(Sequence.append(past, last)))
                            .logits())
                    .as("the cache it was made from stays as it is")
                    .isEqualTo(Arrays.copyOfRange(plain, plain.length - config.dVocab(), plain.length));
            assertThatThrownBy(() -> model.forward(request))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("but its cache now holds");
            assertThatThrownBy(() -> Sequence.amend(past, start, suffix))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("can be amended from " + past.length() + " on");
        }
    }

    @Property(tries = 30)
    void goingOnInsideABranchEqualsOnePass(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed);
        int layer = random.nextInt(config.nLayers());
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Recording all = Recording.everything();
            float[] whole = model.forward(ForwardRequest.of(tokens).probe(all)).logits();
            for (Site site : List.of(Site.Z, Site.ATTN_OUT, Site.MLP_POST, Site.MLP_OUT)) {
                HookPoint start = HookPoint.of(site, layer);
                Boundary before = start.boundaryBefore(config).orElseThrow();
                float[] residual = all.of(before.points(config).getLast(), 0);
                Recording rest = new Recording(point -> random.nextBoolean());
                float[] logits = model.forward(ForwardRequest.of(tokens)
                                .from(start, residual, all.of(start, 0))
                                .probe(rest))
                        .logits();
                assertThat(logits).as(site.localName()).isEqualTo(whole);
                rest.values().forEach((point, values) -> {
                    assertThat(point).isGreaterThanOrEqualTo(start);
                    assertThat(values.getFirst()).as(point.name()).isEqualTo(all.of(point, 0));
                });
            }
        }
    }
}
