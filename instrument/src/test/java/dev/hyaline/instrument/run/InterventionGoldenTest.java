package dev.hyaline.instrument.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.TensorFiles;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.json.InterventionJson;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Edits at every site against TransformerLens in float64; the files' README says how they were made. As at sites that
 * are only read, the largest error may be twice PyTorch's own in float32, here the largest among the edits of a site,
 * or two float32 ulps of the largest logit where that is more.
 */
class InterventionGoldenTest {
    private static final Path FOLDER = Path.of("src/test/resources/interventions");
    private static final Path CHECKPOINTS = Path.of("../weights-loader/src/test/resources/golden");

    @ParameterizedTest
    @ValueSource(strings = {"tiny-odd", "tiny-variant"})
    void everyEditAgreesWithFloat64(String name) throws IOException {
        Map<String, TensorFiles.Tensor> golden = TensorFiles.read(FOLDER.resolve(name + ".safetensors"));
        JsonNode cases = JsonMapper.shared().readTree(Files.readString(FOLDER.resolve(name + ".json")));
        Map<String, Double> pytorch = new HashMap<>();
        for (JsonNode edit : cases) {
            pytorch.merge(site(edit), edit.path("float32_error").asDouble(), Math::max);
        }
        Set<Site> sites = EnumSet.noneOf(Site.class);
        try (Checkpoint checkpoint = Checkpoint.open(CHECKPOINTS.resolve(name));
                Gpt2 model = Gpt2.of(checkpoint.weights(), 1)) {
            long[] tokens = golden.get("tokens").integers();
            int length = golden.get("tokens").shape().get(1);
            int[][] prompts = new int[2][length];
            for (int i = 0; i < tokens.length; i++) {
                prompts[i / length][i % length] = (int) tokens[i];
            }
            Prompts edited = Prompts.of(model.config(), prompts[0]);
            ActivationSource other = ActivationCache.record(
                            model, Prompts.of(model.config(), prompts[1]), Capture.of(HookPoint.all(model.config())))
                    .source();
            BaseRun run = BaseRun.record(model, edited);
            LogitSelection last = LogitSelection.rows(length - 2, length - 1);
            for (int i = 0; i < cases.size(); i++) {
                String json = cases.get(i).path("interventions").toString();
                Interventions interventions = InterventionJson.parse(json, Map.of("other", other));
                float[] expected = golden.get("logits." + i).floats();
                float[] found = EditedModel.of(model, interventions)
                        .forward(edited, last)
                        .logits();
                double bound = 2 * pytorch.get(site(cases.get(i)));
                assertThat(error(expected, found))
                        .as(json)
                        .isLessThanOrEqualTo(Math.max(bound, 2 * Math.ulp(largest(expected))));
                assertThat(run.rerun(List.of(new SequenceEdit(0, interventions)))
                                .logits(last)
                                .results()
                                .getFirst()
                                .logits())
                        .as(json)
                        .isEqualTo(found);
                sites.add(interventions.list().getFirst().target().site());
            }
        }
        assertThat(sites).containsExactly(Site.values());
    }

    private static String site(JsonNode edit) {
        return edit.path("interventions")
                .path("interventions")
                .path(0)
                .path("site")
                .asString();
    }

    private static double error(float[] expected, float[] found) {
        assertThat(found).hasSameSizeAs(expected);
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            assertThat(found[i]).isFinite();
            error = Math.max(error, Math.abs((double) found[i] - expected[i]));
        }
        return error;
    }

    private static float largest(float[] values) {
        float largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }
}
