package dev.hyaline.instrument.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

final class CaptureTest {
    private static final Capture ALL = Capture.of(HookPoint.all(Models.CONFIG));

    @Test
    void recordsWhatAPassOverEachPromptAloneHolds() {
        Prompts prompts = Models.prompts(5, 1, 9);
        try (Gpt2 model = Models.small()) {
            ActivationCache cache = ActivationCache.record(model, prompts, ALL);
            for (int s = 0; s < prompts.size(); s++) {
                Map<HookPoint, float[]> expected = Models.everything(model, prompts.tokens(s));
                assertThat(expected).hasSize(cache.points().size());
                for (HookPoint point : cache.points()) {
                    assertThat(cache.values(point, s)).as(point.name()).isEqualTo(expected.get(point));
                    assertThat(product(cache.shape(point, s))).isEqualTo(expected.get(point).length);
                }
            }
        }
    }

    @Property(tries = 40)
    void recordsTheChosenPositionsAlone(@ForAll("positions") String positions) {
        IndexSelection selection = IndexSelection.parse(positions);
        Prompts prompts = Models.prompts(4, 7, 12);
        try (Gpt2 model = Models.small()) {
            ActivationCache whole = ActivationCache.record(model, prompts, ALL);
            ActivationCache chosen = ActivationCache.record(model, prompts, ALL.positions(selection));
            for (int s = 0; s < prompts.size(); s++) {
                int length = prompts.length(s);
                int[] rows = selection.in(length, "position");
                for (HookPoint point : chosen.points()) {
                    float[] all = whole.values(point, s);
                    boolean attention = point.site().shape() == Site.Shape.ATTENTION;
                    int maps = attention ? Models.CONFIG.nHeads() : 1;
                    int width = all.length / maps / length;
                    List<Float> expected = new ArrayList<>();
                    for (int map = 0; map < maps; map++) {
                        for (int row : rows) {
                            for (int i = 0; i < width; i++) {
                                expected.add(all[(map * length + row) * width + i]);
                            }
                        }
                    }
                    assertThat(chosen.values(point, s)).as(point.name()).containsExactly(floats(expected));
                }
            }
        }
    }

    @Provide
    Arbitrary<String> positions() {
        Arbitrary<String> index = Arbitraries.integers().between(-4, 3).map(String::valueOf);
        Arbitrary<String> range = Arbitraries.integers()
                .between(0, 3)
                .flatMap(first -> Arbitraries.integers().between(first, 14).map(last -> first + "-" + last));
        return Arbitraries.oneOf(index, range).list().ofMinSize(1).ofMaxSize(4).map(items -> String.join(",", items));
    }

    @Test
    void manyPromptsTakeSeveralPassesAndGiveTheSame() {
        int[] lengths = new int[60];
        Arrays.setAll(lengths, s -> 20 + s % 29); // about 2000 tokens
        Prompts prompts = Models.prompts(lengths);
        try (Gpt2 model = Models.small()) {
            Capture capture = Capture.of(Models.CONFIG, "resid_post", "pattern", "unembed.out")
                    .positions(IndexSelection.parse("0,-2--1"));
            ActivationCache cache = ActivationCache.record(model, prompts, capture);
            for (int s : new int[] {0, 31, 59}) {
                ActivationCache alone =
                        ActivationCache.record(model, Prompts.of(Models.CONFIG, prompts.tokens(s)), capture);
                for (HookPoint point : capture.points()) {
                    assertThat(cache.values(point, s)).as(point.name()).isEqualTo(alone.values(point, 0));
                }
            }
        }
    }

    @Test
    void givesTheLogitsOfTheNextToken() {
        Prompts prompts = Models.prompts(3, 8);
        try (Gpt2 model = Models.small()) {
            for (String sites : List.of("z", "unembed.out", "ln_final.scale")) {
                ActivationCache cache = ActivationCache.record(
                        model, prompts, Capture.of(Models.CONFIG, sites).positions(IndexSelection.parse("0")));
                for (int s = 0; s < prompts.size(); s++) {
                    float[] logits = model.logits(prompts.tokens(s));
                    int vocabulary = Models.CONFIG.dVocab();
                    assertThat(cache.nextTokenLogits(s))
                            .isEqualTo(Arrays.copyOfRange(logits, logits.length - vocabulary, logits.length));
                }
            }
        }
    }

    @Test
    void handsOutCopies() {
        try (Gpt2 model = Models.small()) {
            ActivationCache cache =
                    ActivationCache.record(model, Models.prompts(3), Capture.of(Models.CONFIG, "embed"));
            HookPoint embed = HookPoint.of(Site.EMBED);
            Arrays.fill(cache.values(embed, 0), 42);
            assertThat(cache.values(embed, 0)).doesNotContain(42);
            assertThat(cache.bytes()).isEqualTo(3L * Models.CONFIG.dModel() * Float.BYTES);
            assertThatThrownBy(() -> cache.values(HookPoint.of(Site.POS_EMBED), 0))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("hook_pos_embed was not recorded");
        }
    }

    @Test
    void aPointThatIsNeverReachedIsAnError() {
        Capture capture = Capture.of(Models.CONFIG, "resid_post");
        List<Sequence> batch = List.of(Sequence.of(1, 2));
        CaptureProbe probe = new CaptureProbe(
                capture, Models.CONFIG, List.of(new int[] {0, 1}), 0, (point, s, values, offset, length) -> {});
        try (Gpt2 model = Models.small()) {
            model.forward(ForwardRequest.of(batch).to(Boundary.residMid(1)).probe(probe));
        }
        assertThatThrownBy(probe::requireAllFired)
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("blocks.1.hook_resid_post, blocks.2.hook_resid_post")
                .hasMessageNotContaining("blocks.0");
    }

    @Test
    void rowsThatThePassLeftOutAreAnError() {
        List<Sequence> batch = List.of(Sequence.of(1, 2, 3));
        CaptureProbe probe = new CaptureProbe(
                Capture.of(Models.CONFIG, "logits"),
                Models.CONFIG,
                List.of(new int[] {0, 1, 2}),
                0,
                (point, s, values, offset, length) -> {});
        try (Gpt2 model = Models.small()) {
            ForwardRequest request =
                    ForwardRequest.of(batch).logits(LogitSelection.last()).probe(probe);
            assertThatThrownBy(() -> model.forward(request))
                    .isInstanceOf(HyalineException.class)
                    .hasMessage("the pass holds no unembed.hook_out at position 0");
        }
    }

    @Test
    void promptsAreCheckedBeforeAnythingRuns() {
        assertThatThrownBy(() -> Prompts.of(Models.CONFIG))
                .isInstanceOf(BadInputException.class)
                .hasMessage("there is no prompt to run");
        assertThatThrownBy(() -> Prompts.of(Models.CONFIG, new int[] {1}, new int[0]))
                .hasMessageStartingWith("prompt 1 is empty");
        assertThatThrownBy(() -> Prompts.of(Models.CONFIG, new int[49]))
                .hasMessage("prompt 0 has 49 tokens, but the model has 48 positions");
        for (int token : new int[] {-1, 61, Integer.MAX_VALUE}) {
            assertThatThrownBy(() -> Prompts.of(Models.CONFIG, new int[] {0, token}))
                    .hasMessageContaining("the vocabulary runs from 0 to 60");
        }
        assertThatThrownBy(() -> Capture.of(List.of())).isInstanceOf(BadInputException.class);
        try (Gpt2 model = Models.small()) {
            Capture tenth = Capture.of(Models.CONFIG, "z").positions(IndexSelection.parse("9"));
            assertThatThrownBy(() -> ActivationCache.record(model, Models.prompts(12, 5), tenth))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("prompt 1: there is no position 9: positions run from 0 to 4");
        }
    }

    private static int product(List<Integer> shape) {
        return shape.stream().reduce(1, Math::multiplyExact);
    }

    private static float[] floats(List<Float> values) {
        float[] array = new float[values.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = values.get(i);
        }
        return array;
    }
}
