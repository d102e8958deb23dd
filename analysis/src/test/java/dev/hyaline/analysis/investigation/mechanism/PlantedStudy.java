package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.ReferenceRuns;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The model whose circuit is known, since its weights were written by hand, on the pairs that it was made for; the role
 * {@code answer} is where the token stands that follows the earlier occurrence of the last.
 */
public final class PlantedStudy {
    private PlantedStudy() {}

    private static Path folder() {
        try {
            return Path.of(PlantedStudy.class
                            .getResource("/golden/circuits/planted/config.json")
                            .toURI())
                    .getParent();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    public static Gpt2 model() {
        try (Checkpoint checkpoint = Checkpoint.open(folder())) {
            return Gpt2.of(checkpoint.weights(), 2);
        }
    }

    public static Evidence evidence(Gpt2 model) {
        List<PromptPair> pairs = new ArrayList<>();
        List<int[]> corrupted = new ArrayList<>();
        for (JsonNode pair : json().get("pairs")) {
            int[] clean = ints(pair.get("clean"));
            int last = clean[clean.length - 1];
            int earlier = IntStream.range(0, clean.length)
                    .filter(i -> clean[i] == last)
                    .findFirst()
                    .orElseThrow();
            corrupted.add(ints(pair.get("corrupted")));
            pairs.add(new PromptPair(
                    "pair " + pairs.size(),
                    clean,
                    corrupted.getLast(),
                    new int[] {pair.get("answer").intValue()},
                    new int[] {pair.get("distractor").intValue()},
                    Map.of("answer", earlier + 1)));
        }
        PromptPairs all = PromptPairs.of(model.config(), pairs);
        int n = pairs.size();
        return Evidence.of(
                Experiment.start(model, all, Metric.logitDifference()),
                ReferenceRuns.of(
                        model,
                        List.of(all.corrupted(model.config())),
                        new int[n],
                        IntStream.range(0, n).toArray()));
    }

    public static MechanismStudy study(Gpt2 model) {
        return MechanismStudy.of(evidence(model), 17, new TestDesign(0.05), "planted", 1);
    }

    private static JsonNode json() {
        try {
            return JsonMapper.shared().readTree(Files.readAllBytes(folder().resolve("pairs.json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int[] ints(JsonNode node) {
        return node.valueStream().mapToInt(JsonNode::intValue).toArray();
    }
}
