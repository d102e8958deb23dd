package dev.hyaline.analysis.superposition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class SuperpositionStudyTest {
    private static final HookPoint SITE = HookPoint.of(Site.RESID_POST, 2);
    private static final StudyListener QUIET = (stage, done, total) -> {};

    private static Gpt2 model;
    private static Prompts prompts;
    private static Set<Integer> special;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        prompts = Fable.saePrompts(model.config());
        special = Set.of(Fable.tokenizer().endOfText());
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static Corpus training(int texts) {
        return Corpus.of(IntStream.range(0, texts)
                .mapToObj(i -> new Document("text " + i, prompts.tokens(i)))
                .toList());
    }

    private static Prompts heldOut(int from) {
        return Prompts.of(
                model.config(),
                IntStream.range(from, prompts.size()).mapToObj(prompts::tokens).toArray(int[][]::new));
    }

    private static Map<String, Set<Integer>> tokens() {
        Map<String, Set<Integer>> sets = new TreeMap<>();
        for (int s = 0; s < prompts.size(); s++) {
            for (int token : prompts.tokens(s)) {
                sets.put("token " + token, Set.of(token));
            }
        }
        return sets;
    }

    @Test
    void theJavadocsExampleRuns() {
        Corpus training = training(8);
        Prompts heldOut = heldOut(40);
        Set<Integer> excluded = special;
        Map<String, Set<Integer>> concepts = tokens();
        int threads = 2;
        // @start region="study"
        LayerSuperposition found = SuperpositionStudy.of(HookPoint.of(Site.RESID_POST, 2))
                .atoms(192) // ten a dimension, if not said
                .samples(256)
                .training(5, 64)
                .run(model, training, heldOut, excluded, concepts, threads, (stage, done, total) -> {});
        // @end
        assertThat(found.dictionaries()).isNotEmpty();
    }

    private static SuperpositionStudy small() {
        return SuperpositionStudy.of(SITE).atoms(192).samples(512).latents(6).training(10, 64);
    }

    private static LayerSuperposition run(SuperpositionStudy study, int threads) {
        return study.run(model, training(24), heldOut(24), special, tokens(), threads, QUIET);
    }

    @Test
    void bothDictionariesAreMeasuredOnWhatTheyWereNotLearnedFrom() {
        Set<String> stages = new HashSet<>();
        LayerSuperposition found = small().run(
                        model, training(24), heldOut(24), special, tokens(), 2, (stage, done, total) -> {
                            assertThat(done).isBetween(0L, total);
                            stages.add(stage);
                        });
        assertThat(stages).containsExactlyInAnyOrder("sparse coding", "train", "measure");
        assertThat(found.width()).isEqualTo(128);
        assertThat(found.effectiveDimension()).isBetween(5.0, 60.0);
        assertThat(found.trainedTokens() + found.heldOutTokens())
                .isEqualTo(IntStream.range(0, prompts.size())
                        .flatMap(s -> Arrays.stream(prompts.tokens(s)))
                        .filter(token -> !special.contains(token))
                        .count());
        assertThat(found.dictionaries())
                .extracting(DictionaryMeasure::name)
                .containsExactly("sparse coding", "autoencoder");
        for (DictionaryMeasure measure : found.dictionaries()) {
            assertThat(measure.atoms()).isEqualTo(192);
            assertThat(measure.alive().length + measure.dead()).isEqualTo(192);
            assertThat(measure.explainedVariance()).isLessThan(1);
            assertThat(measure.objective()).isPositive();
            double uses = IntStream.range(0, 192)
                    .mapToDouble(i -> measure.densities()[i])
                    .sum();
            assertThat(uses).isCloseTo(measure.l0(), within(1e-4));
            assertThat(Arrays.stream(measure.geometry().dimensionalities()).sum())
                    .isBetween(1.0, 128.0 + 1e-9);
            assertThat(measure.weightedInterference()).hasSize(measure.alive().length);
            assertThat(Arrays.stream(measure.weightedInterference()).boxed()).allMatch(value -> value >= 0);
            assertThat(measure.denserThan(0)).isEqualTo(measure.alive().length);
            assertThat(measure.interpretable().countPermuted())
                    .isLessThanOrEqualTo(measure.interpretable().alive() / 20);
        }
        // Lasso minimises what is measured, which ten steps of training an autoencoder do not come near.
        assertThat(found.dictionaries().getFirst().objective())
                .isLessThan(found.dictionaries().getLast().objective());
        assertThat(found.dictionaries().getFirst().explainedVariance()).isGreaterThan(0.5);
        assertThat(found.dictionaries().getLast().l0()).isLessThanOrEqualTo(6);
        assertThat(found.stability())
                .extracting(DictionaryStability::second)
                .containsExactly("another seed", "another seed", "autoencoder");
        for (DictionaryStability stability : found.stability()) {
            assertThat(stability.mmcs()).isBetween(stability.random() - 0.05, 1.0);
        }
        assertThat(found.random().features()).isEqualTo(192);
    }

    @Test
    void theInterferenceMatrixIsOfTheStrongestAtoms() {
        LayerSuperposition found = run(small(), 2);
        DictionaryMeasure measure = found.dictionaries().getFirst();
        ResultTable table = found.interference(measure);
        int n = Math.min(LayerSuperposition.SHOWN, measure.alive().length);
        assertThat(table.cells()).isEqualTo(n * n);
        int[] strongest = measure.strongest(n);
        assertThat(table.axes().getFirst().labels().getFirst()).isEqualTo(String.valueOf(strongest[0]));
        assertThat(measure.secondMoments()[strongest[0]])
                .isGreaterThanOrEqualTo(measure.secondMoments()[strongest[n - 1]]);
        assertThat(table.meanAt(0, 0)).isZero();
        assertThat(table.meanAt(0, 1)).isEqualTo(table.meanAt(1, 0));
        float[] one = measure.direction(strongest[0]);
        float[] other = measure.direction(strongest[1]);
        double product = IntStream.range(0, 128)
                .mapToDouble(c -> (double) one[c] * other[c])
                .sum();
        assertThat(table.meanAt(0, 1)).isCloseTo(product, within(1e-12));
        assertThatThrownBy(() -> measure.direction(-1))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("atom -1 of the dictionary sparse coding");
    }

    @Test
    void threadsChangeNothing() {
        LayerSuperposition one = run(small(), 1);
        LayerSuperposition two = run(small(), 2);
        for (int i = 0; i < 2; i++) {
            DictionaryMeasure a = one.dictionaries().get(i);
            DictionaryMeasure b = two.dictionaries().get(i);
            assertThat(a.objective()).isEqualTo(b.objective());
            assertThat(a.densities()).isEqualTo(b.densities());
            assertThat(a.secondMoments()).isEqualTo(b.secondMoments());
            assertThat(a.geometry().dimensionalities()).isEqualTo(b.geometry().dimensionalities());
        }
        assertThat(one.stability()).isEqualTo(two.stability());
        assertThat(one.effectiveDimension()).isEqualTo(two.effectiveDimension());
    }

    /** The reference's measures of an autoencoder, on the same tokens. */
    @Test
    void aGivenAutoencoderIsMeasuredAsTheReference() {
        SparseAutoencoder sae = SaeFiles.read(SparseGolden.path("fable/topk")).autoencoder();
        LayerSuperposition found =
                small().autoencoder(sae).run(model, training(8), heldOut(0), special, tokens(), 2, QUIET);
        Json expected = SparseGolden.json("fable/metrics.json").require("topk").require("without_special");
        DictionaryMeasure measure = found.dictionaries().getLast();
        assertThat(measure.atoms()).isEqualTo(256);
        assertThat(measure.explainedVariance())
                .isCloseTo(expected.require("explained_variance").number(), within(2e-4));
        assertThat(measure.l0()).isCloseTo(expected.require("l0").number(), within(1e-3));
        // Squared errors and absolute coefficients in units of normalised activations.
        double scale = found.scale();
        double mse = expected.require("mse").number() / (scale * scale);
        assertThat(measure.objective()).isGreaterThan(mse / 2);
        assertThat(found.stability())
                .extracting(DictionaryStability::second)
                .containsExactly("another seed", "autoencoder");
        assertThat(found.autoencoder()).isSameAs(sae);
    }

    @Test
    void badInputIsToldInOneSentence() {
        assertThatThrownBy(() -> small().atoms(0)).hasMessage("a dictionary needs at least 1 atom, found 0");
        assertThatThrownBy(() -> small().alpha(0)).hasMessage("alpha is a finite number above 0, found 0.0");
        assertThatThrownBy(() -> small().alpha(Double.NaN)).hasMessageContaining("found NaN");
        assertThatThrownBy(() -> small().samples(0)).hasMessageContaining("a study needs at least 1 atom, sample");
        assertThatThrownBy(() -> small().latents(0)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> small().training(0, 1)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> SuperpositionStudy.of(HookPoint.of(Site.PATTERN, 0)))
                .hasMessage("blocks.0.attn.hook_pattern has no row a token to study");
        assertThatThrownBy(() -> small().run(model, training(8), heldOut(47), special, Map.of(), 2, QUIET))
                .hasMessageContaining("no set of tokens occurs 10 times in the texts to measure on");
        assertThatThrownBy(() -> run(small().alpha(1e6), 2))
                .isInstanceOf(BadInputException.class)
                .hasMessage("no token uses an atom of the dictionary sparse coding: alpha is too large");
        assertThatThrownBy(() -> small().run(model, Corpus.of(List.of()), heldOut(24), special, tokens(), 2, QUIET))
                .isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> small().autoencoder(SaeFiles.read(SparseGolden.path("fable/legacy-centred"))
                                .autoencoder())
                        .run(model, training(8), heldOut(40), special, tokens(), 2, QUIET))
                .hasMessageContaining("the autoencoder is of centred residuals");
        assertThatThrownBy(() -> small().autoencoder(SaeFiles.read(SparseGolden.path("fable/transcoder"))
                                .autoencoder())
                        .run(model, training(8), heldOut(40), special, tokens(), 2, QUIET))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("transcoder");
    }
}
