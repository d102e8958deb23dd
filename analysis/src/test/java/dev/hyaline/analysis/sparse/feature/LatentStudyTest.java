package dev.hyaline.analysis.sparse.feature;

import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.weights.TensorFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LatentStudyTest {
    private static Gpt2 model;
    private static Prompts prompts;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        prompts = Fable.saePrompts(model.config());
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static LatentStudy study(String sae) {
        Attachment attachment =
                Attachment.of(SaeFiles.read(path("fable/" + sae)).autoencoder(), model);
        return LatentStudy.of(model, attachment, prompts, Set.of());
    }

    /** Best F1 of all latents against all labels, on the tokens that the reference counts. */
    @ParameterizedTest
    @CsvSource({"topk", "standard", "gated", "jumprelu"})
    void interpretableLatentsAreCounted(String sae) {
        Json golden = SparseGolden.json("fable/interpretable.json");
        Map<String, Set<Integer>> sets = sets(golden);
        Attachment attachment =
                Attachment.of(SaeFiles.read(path("fable/" + sae)).autoencoder(), model);
        int special = model.config().dVocab() - 1;
        LatentStudy study = LatentStudy.of(model, attachment, prompts, Set.of(special));
        InterpretableLatents found = InterpretableLatents.of(study, sets);
        Json expected = golden.require("counts").require(sae);
        // One latent may lie on the other side of a bound in float32.
        assertThat(Arrays.stream(found.overall()).filter(f1 -> f1 >= 0.8).count())
                .isCloseTo(expected.require("f1>=0.8").integer(0, 256), within(1L));
        assertThat(Arrays.stream(found.overall()).filter(f1 -> f1 >= 0.9).count())
                .isCloseTo(expected.require("f1>=0.9").integer(0, 256), within(1L));
        assertThat(Arrays.stream(found.overall()).average().orElseThrow())
                .isCloseTo(expected.require("mean_best_f1").number(), within(0.01));
        assertThat(found.alive()).isEqualTo(expected.require("alive").integer(0, 256));
        assertThat(found.count()).isBetween(8, 30);
        assertThat(found.countPermuted()).isZero();
        assertThat(found.labels()).isBetween(5, found.count());
        assertThat(found.share()).isEqualTo((double) found.count() / found.alive());
    }

    private static Map<String, Set<Integer>> sets(Json golden) {
        Map<String, Set<Integer>> sets = new TreeMap<>();
        golden.require("concept_token_ids").forEachField((name, ids) -> sets.put(name, ids(ids)));
        for (int token : ids(golden.require("single_tokens"))) {
            sets.put("token " + token, Set.of(token));
        }
        return sets;
    }

    /** Latents beside what the model has without them: the reference's counts, and an autoencoder that adds some. */
    @Test
    void latentsAreComparedWithBasisNeuronsAndRandomDirections() {
        Json golden = SparseGolden.json("fable/interpretable.json");
        Attachment attachment = Attachment.of(SaeFiles.read(path("fable/topk")).autoencoder(), model);
        LatentStudy study =
                LatentStudy.of(model, attachment, prompts, Set.of(model.config().dVocab() - 1));
        InterpretableComparison compared = InterpretableComparison.of(model, study, sets(golden));
        Json counts = golden.require("counts");
        // The reference takes the tokens before and after from the next text too, where ours have none.
        assertBest(compared.basis(), counts.require("residual basis, both signs"), 0.002);
        assertBest(compared.neurons(), counts.require("MLP neurons of block 2"), 0.002);
        // And it drew other directions.
        assertBest(compared.random(), counts.require("random ReLU directions"), 0.03);
        for (InterpretableLatents other : List.of(compared.basis(), compared.neurons(), compared.random())) {
            assertThat(other.share()).isLessThan(compared.latents().share());
            assertThat(other.countPermuted()).isZero();
        }
    }

    private static void assertBest(InterpretableLatents found, Json expected, double tolerance) {
        assertThat(found.f1()).hasSize(expected.require("features").integer(0, 10_000));
        assertThat(found.alive()).isEqualTo(expected.require("alive").integer(0, 10_000));
        assertThat(Arrays.stream(found.overall()).average().orElseThrow())
                .isCloseTo(expected.require("mean_best_f1").number(), within(tolerance));
        assertThat((double)
                        Arrays.stream(found.overall()).filter(f1 -> f1 >= 0.8).count())
                .isCloseTo(expected.require("f1>=0.8").integer(0, 10_000), within(tolerance < 0.01 ? 1.0 : 6.0));
    }

    private static Set<Integer> ids(Json list) {
        return list.elements().stream().map(id -> id.integer(0, 1 << 20)).collect(Collectors.toSet());
    }

    @ParameterizedTest
    @CsvSource({"topk, topk.26", "standard, standard"})
    void pagesShowTheReferenceValues(String sae, String prefix) {
        LatentStudy study = study(sae);
        Json golden = SparseGolden.json("fable/dashboards.json");
        int compared = 0;
        for (String name : golden.names()) {
            if (!name.startsWith(prefix) || !name.matches("\\w+\\.\\d+")) {
                continue;
            }
            Json expected = golden.require(name);
            LatentPage page = study.page(Integer.parseInt(name.substring(name.indexOf('.') + 1)));
            compare(page, expected, name);
            compared++;
        }
        assertThat(compared).isPositive();
    }

    private static void compare(LatentPage page, Json expected, String name) {
        assertThat(page.shareFiring())
                .as(name)
                .isCloseTo(expected.require("frac_nonzero").number(), within(1e-9));
        assertThat((double) page.maximum())
                .isCloseTo(expected.require("max_act").number(), within(1e-3));
        List<Json> top = expected.require("top").elements();
        for (int i = 0; i < top.size(); i++) {
            LatentPage.Firing found = page.top().get(i);
            List<Json> wanted = top.get(i).elements();
            assertThat((double) found.activation()).isCloseTo(wanted.get(2).number(), within(1e-3));
        }
        ranked(page.logits().raised(), expected.require("logits_raw_top"));
        ranked(page.logits().lowered(), expected.require("logits_raw_bottom"));
        ranked(page.foldedLogits().raised(), expected.require("logits_folded_top"));
        ranked(page.foldedLogits().lowered(), expected.require("logits_folded_bottom"));
        ranked(page.alignment(), expected.require("neuron_alignment"));
        ranked(page.correlatedNeurons(), expected.require("correlated_neurons_pearson"));
        ranked(page.correlatedByCosine(), expected.require("correlated_features_cosine"));
        ranked(page.correlatedByPearson(), expected.require("correlated_features_pearson"));
        ranked(page.coactivation(), expected.require("coactivation_jaccard"));
        ranked(page.neighbours(), expected.require("decoder_cosine"));
        List<Json> fractions = expected.require("interval_fractions").elements();
        for (int i = 0; i < fractions.size(); i++) {
            assertThat(page.intervals().get(i).share())
                    .isCloseTo(fractions.get(i).number(), within(1e-9));
        }
        List<Json> edges = expected.require("hist_edges").elements();
        int total = 0;
        for (int i = 0; i < edges.size(); i++) {
            assertThat(page.histogram().edges()[i]).isCloseTo(edges.get(i).number(), within(1e-3));
        }
        for (int count : page.histogram().counts()) {
            total += count;
        }
        assertThat(total)
                .isEqualTo(expected.require("hist_counts").elements().stream()
                        .mapToInt(count -> count.integer(0, 10_000))
                        .sum());
    }

    private static void ranked(RankedItems found, Json expected) {
        List<Json> wanted = expected.elements();
        for (int i = 0; i < wanted.size(); i++) {
            double value = wanted.get(i).elements().get(1).number();
            assertThat((double) found.values()[i]).isCloseTo(value, within(2e-4 * Math.max(1, Math.abs(value))));
            boolean tied = i + 1 < wanted.size()
                    && Math.abs(wanted.get(i + 1).elements().get(1).number() - value) < 1e-6;
            boolean tiedBefore =
                    i > 0 && Math.abs(wanted.get(i - 1).elements().get(1).number() - value) < 1e-6;
            if (!tied && !tiedBefore) {
                assertThat(found.indices()[i])
                        .isEqualTo(wanted.get(i).elements().get(0).integer(0, 100_000));
            }
        }
    }

    @Test
    void neuronpediaReadsTheBatch() {
        LatentStudy study = study("topk");
        List<LatentPage> shown = List.of(study.page(26), study.page(3), study.page(200));
        Json batch = Json.readObject(
                InputErrors.INSTANCE, "batch", NeuronpediaBatch.json(study, "fable", shown, token -> " t" + token));
        List<Json> features = batch.require("features").elements();
        assertThat(features).hasSize(3);
        Json first = features.getFirst();
        assertThat(first.require("feature_index").integer(0, 300)).isEqualTo(26);
        assertThat(first.require("pos_str").elements()).hasSize(10);
        assertThat(first.require("freq_hist_data_bar_heights").elements()).hasSize(50);
        Json activation = first.require("activations").elements().getFirst();
        assertThat(activation.require("bin_min").number()).isEqualTo(-1);
        assertThat(activation.require("tokens").elements())
                .hasSameSizeAs(activation.require("values").elements());
        int here = activation.require("qualifying_token_index").integer(0, 100);
        assertThat(activation.require("values").elements().get(here).number())
                .isCloseTo(study.maximum(26), within(1e-4));
    }

    @Test
    void latentsAreWrittenAsASparseFile() {
        Attachment attachment = Attachment.of(SaeFiles.read(path("fable/topk")).autoencoder(), model);
        Path file = temporary.resolve("latents.safetensors");
        LatentDump.Summary written = LatentDump.write(model, attachment, prompts, file);
        assertThat(written.tokens()).isEqualTo(48 * 64);
        assertThat(written.latents()).isEqualTo(48 * 64 * 12);
        try (TensorFile opened = TensorFile.open(file)) {
            assertThat(opened.floats("values")).hasSize(48 * 64 * 12);
            assertThat(opened.integers("offsets")[1]).isEqualTo(12);
            assertThat(opened.integers("tokens")[0]).isEqualTo(prompts.token(0, 0));
        }
    }
}
