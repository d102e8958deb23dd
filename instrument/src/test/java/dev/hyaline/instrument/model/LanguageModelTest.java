package dev.hyaline.instrument.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.Sampling;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.hook.Hook;
import dev.hyaline.instrument.hook.Hooks;
import dev.hyaline.instrument.model.LanguageModel.LikelyToken;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class LanguageModelTest {
    private static final String TEXT = "When Mary and John went to the store, John gave a drink to";

    private static LanguageModel fable;

    @BeforeAll
    static void open() {
        fable = LanguageModel.open("fable");
    }

    @AfterAll
    static void close() {
        fable.close();
    }

    @Test
    void promptsBeginAsTheCommandsDo() {
        int[] tokens = fable.tokens(TEXT);
        assertThat(tokens[0]).isEqualTo(fable.tokenizer().endOfText());
        assertThat(Arrays.copyOfRange(tokens, 1, tokens.length))
                .isEqualTo(fable.tokenizer().encode(TEXT));
        Prompts prompts = fable.prompts(TEXT, "Anna");
        assertThat(prompts.tokens(0)).isEqualTo(tokens);
        assertThat(prompts.name(1)).isEqualTo("Anna");
        assertThat(String.join("", fable.texts(tokens))).endsWith(TEXT);
        assertThat(fable.likeliest(TEXT, 1).getFirst().text()).isEqualTo(" Mary");
    }

    @Test
    void everyValueIsTheCaches() {
        ActivationCache cache = fable.record(TEXT);
        for (HookPoint point : cache.points()) {
            Tensor tensor = cache.get(point.name());
            assertThat(tensor.shape()).isEqualTo(cache.shape(point, 0));
            assertThat(tensor.axes()).hasSameSizeAs(tensor.shape());
            assertThat(tensor.toArray()).isEqualTo(cache.values(point, 0));
        }
        float[] pattern = cache.values(HookPoint.of(Site.PATTERN, 2), 0);
        int n = cache.length(0);
        assertThat(cache.get("pattern", 2).get(5, -1, 3)).isEqualTo(pattern[(5 * n + n - 1) * n + 3]);
        assertThat(cache.get("blocks.2.attn.hook_pattern").get(5, -1, 3)).isEqualTo(pattern[(5 * n + n - 1) * n + 3]);
        assertThat(cache.get("pattern2").at(5).name()).isEqualTo("blocks.2.attn.hook_pattern[5]");
        assertThat(cache.get("ln_final.hook_scale").axes()).containsExactly("position", "scale");
        assertThat(fable.record(TEXT, "z2").get("z").name()).isEqualTo("blocks.2.attn.hook_z");
        assertThatThrownBy(() -> cache.get("z"))
                .isInstanceOf(BadInputException.class)
                .hasMessage("'z' means 4 hook points; name one, such as blocks.0.attn.hook_z");
        assertThatThrownBy(() -> cache.get("result", 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("blocks.1.attn.hook_result was not recorded");
        ActivationCache two = fable.record(fable.prompts(TEXT, "Anna"), "pattern");
        assertThat(two.get("pattern", 2, 0).toArray()).isEqualTo(pattern);
        assertThat(two.get("pattern", 2, 1).shape()).containsExactly(8, 2, 2);
        assertThatThrownBy(() -> two.get("pattern", 2))
                .isInstanceOf(BadInputException.class)
                .hasMessage("there are 2 sequences; name one, from 0, after the hook point");
        assertThat(two)
                .hasToString("4 hook points of 2 sequences: blocks.0.attn.hook_pattern,"
                        + " blocks.1.attn.hook_pattern, blocks.2.attn.hook_pattern, blocks.3.attn.hook_pattern");
    }

    @Test
    void editsAreThoseOfThePackagesBelow() {
        Interventions ablation =
                Interventions.of(Intervention.zero(Target.named("z1").heads(5)));
        Hooks hooks = Hooks.of(Hook.editing("z1", z -> z.rows(5).forEach(row -> row.fill(0))));
        Tensor edited = fable.logits(TEXT, ablation);
        assertThat(edited.toArray())
                .isEqualTo(fable.logits(TEXT, hooks).toArray())
                .isNotEqualTo(fable.logits(TEXT).toArray());
        assertThat(edited.axes()).containsExactly("position", "token");
        List<LikelyToken> plain = fable.likeliest(fable.logits(TEXT), 3);
        assertThat(plain).isEqualTo(fable.likeliest(TEXT, 3)).hasSize(3);
        assertThat(plain.getFirst().toString()).matches("\" Mary\" 0\\.\\d{4}");
    }

    @Test
    void generatesUnderEdits() {
        String text = fable.generate(TEXT, 12);
        assertThat(text).startsWith(" Mary").doesNotContain("<|endoftext|>");
        Interventions flat = Interventions.of(Intervention.zero(Target.named("attn_out")));
        assertThat(fable.generate(TEXT, 12, flat)).isNotEqualTo(text);
        Interventions none = Interventions.of(List.of());
        assertThat(fable.generate(TEXT, fable.generator().maxNewTokens(12), none))
                .isEqualTo(text);
        assertThat(fable.generate(
                        TEXT, fable.generator().sampling(Sampling.seeded(3)).maxNewTokens(12), none))
                .isEqualTo(fable.generate(
                        TEXT, fable.generator().sampling(Sampling.seeded(3)).maxNewTokens(12), none));
    }

    @Test
    void theLossIsThatOfTheLogits() {
        Tensor logits = fable.logits(TEXT);
        int[] tokens = fable.tokens(TEXT);
        Tensor probabilities = logits.softmax();
        double sum = 0;
        for (int i = 1; i < tokens.length; i++) {
            sum -= Math.log(probabilities.get(i - 1, tokens[i]));
        }
        assertThat(fable.loss(TEXT).loss()).isCloseTo(sum / (tokens.length - 1), within(1e-9));
    }

    @Test
    void saysWhatIsMissing() {
        assertThat(fable.token(" Mary")).isEqualTo(fable.tokens("to Mary")[2]);
        assertThatThrownBy(() -> fable.token("store."))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith("'store.' is ");
        assertThatThrownBy(() -> LanguageModel.open("no-such-model"))
                .isInstanceOf(BadCheckpointException.class)
                .hasMessageContaining("a built-in model (fable), a folder or file");
        assertThat(fable.toString()).startsWith("fable: 4 layers, 8 heads, dModel ");
    }
}
