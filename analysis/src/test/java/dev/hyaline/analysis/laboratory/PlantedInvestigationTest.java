package dev.hyaline.analysis.laboratory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimFinding;
import dev.hyaline.analysis.investigation.ClaimTest;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.HypothesisVerdict;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.ReferenceRuns;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.robustness.Verdict;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.fixtures.RandomModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Studies of models in which it is known what there is to find. */
final class PlantedInvestigationTest {
    private static final String UNCHECKED = """
        , "alternatives": [], "sanity": "none", "robustness": "none"\
        """;

    /** The claimed 2.5 logits are less than what the planted heads add, 3.4, and more than half of it. */
    private static Investigation investigation(String checks) {
        return Investigation.parse("planted.json", """
            {"format": "hyaline-investigation/1", "model": "planted",
             "behaviour": {"present_if": {"mean_at_least": -100, "accuracy_at_least": 0}},
             "prompts": {"pairs": "pairs.json", "draw": {"discovery": 12, "held_out": 16}, "reference": "corrupted"},
             "design": {"pilot": 4},
             "claims": [
              {"name": "needed", "do": "ablate", "components": "circuit", "expect": {"decrease": 2.5}},
              {"name": "enough", "do": "keep-only", "components": "circuit",
               "expect": {"faithfulness_at_least": 0.8}},
              {"name": "looks", "do": "attend", "at": "source", "components": "circuit[0.*]",
               "expect": {"attention_at_least": 0.5}}]%s}
            """.formatted(checks));
    }

    private static StudyReport study(Path folder, float gain, String checks) throws IOException {
        Files.writeString(folder.resolve("pairs.json"), CopyingModel.pairs(60, 3));
        try (Gpt2 model = CopyingModel.of(gain)) {
            return Laboratory.of(new StudyModel("planted", model))
                    .in(folder.resolve("study"))
                    .pairsFrom(folder)
                    .run(investigation(checks), StudyProgress.NONE);
        }
    }

    @Test
    void whatIsPlantedIsSupported(@TempDir Path folder) throws IOException {
        StudyReport report = study(folder, 1, """
            , "alternatives": ["random-components", "shuffled-labels", "off-manifold"]\
            """);
        assertThat(report.claims().getFirst().sentence()).startsWith("ablating 0.1, 0.4, 0.6, 0.7, 0.10 (");
        assertThat(report.verdict()).isEqualTo(new HypothesisVerdict(HypothesisVerdict.Word.SUPPORTED, List.of()));
    }

    @Test
    void halfOfWhatIsClaimedIsRefuted(@TempDir Path folder) throws IOException {
        assertThat(study(folder, 0.5f, UNCHECKED).verdict())
                .isEqualTo(new HypothesisVerdict(HypothesisVerdict.Word.REFUTED, List.of("needed: negligible")));
    }

    @Test
    void theOppositeOfWhatIsClaimedIsRefuted(@TempDir Path folder) throws IOException {
        assertThat(study(folder, -1, UNCHECKED).verdict())
                .isEqualTo(new HypothesisVerdict(HypothesisVerdict.Word.REFUTED, List.of("needed: opposite")));
    }

    /**
     * Weights and answers by lot, and claims in shares of the gap, which is by lot too: no study may fail for anything
     * but its claims.
     */
    @Test
    void nothingIsFoundWhereNothingIs() {
        int supported = 0;
        int confirmed = 0;
        for (int seed = 0; seed < 100; seed++) {
            List<ClaimFinding> findings = ofNothing(seed);
            confirmed += (int) findings.stream()
                    .filter(finding -> finding.verdict().isConfirmed())
                    .count();
            List<HypothesisVerdict.Judged> judged = IntStream.range(0, findings.size())
                    .mapToObj(i -> new HypothesisVerdict.Judged(
                            "claim " + i, /* primary= */ true, findings.get(i).verdict()))
                    .toList();
            HypothesisVerdict verdict =
                    HypothesisVerdict.of(judged, List.of(), /* sanity= */ true, Verdict.ROBUST, /* heldOut= */ true);
            supported += verdict.word() == HypothesisVerdict.Word.SUPPORTED ? 1 : 0;
        }
        assertThat(supported).isLessThanOrEqualTo(2);
        // Of 200 claims, each with a chance of 1.25% or more to be confirmed.
        assertThat(confirmed).isBetween(1, 10);
    }

    private static List<ClaimFinding> ofNothing(long seed) {
        Gpt2Config config = new Gpt2Config(
                1, 4, 16, 8, 8, CopyingModel.DIGITS, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
        TestDesign design = new TestDesign(0.05);
        List<Claim> claims = List.of(
                new Claim(
                        "one",
                        new Treatment.AblateComponents(Replacement.MEAN_BY_POSITION),
                        List.of(new HeadComponent(0, 0), new HeadComponent(0, 1)),
                        new Expectation.Decrease(new EffectAmount(0.1, EffectUnit.GAP)),
                        /* primary= */ true),
                new Claim(
                        "two",
                        new Treatment.AblateComponents(Replacement.MEAN_BY_POSITION),
                        List.of(new HeadComponent(0, 3)),
                        new Expectation.Increase(new EffectAmount(0.1, EffectUnit.GAP)),
                        /* primary= */ true));
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 1)) {
            SplittableRandom random = new SplittableRandom(seed);
            double gap = evidence(model, 12, random).gap(Replacement.MEAN_BY_POSITION, Candidates.HEADS);
            Evidence heldOut = evidence(model, 16, random);
            List<ClaimTest> tests = claims.stream()
                    .map(claim -> ClaimTest.of(heldOut.measure(claim), Units.each(16), Map.of(), gap, design, seed))
                    .toList();
            return ClaimTest.findings(tests, design, claim -> true);
        }
    }

    private static Evidence evidence(Gpt2 model, int pairs, SplittableRandom random) {
        List<PromptPair> all = new ArrayList<>();
        for (int pair = 0; pair < pairs; pair++) {
            int answer = random.nextInt(CopyingModel.DIGITS);
            int distractor = (answer + 1 + random.nextInt(CopyingModel.DIGITS - 1)) % CopyingModel.DIGITS;
            all.add(new PromptPair(
                    "pair " + pair,
                    random.ints(6, 0, CopyingModel.DIGITS).toArray(),
                    random.ints(6, 0, CopyingModel.DIGITS).toArray(),
                    new int[] {answer},
                    new int[] {distractor},
                    Map.of()));
        }
        PromptPairs prompts = PromptPairs.of(model.config(), all);
        return Evidence.of(
                Experiment.start(model, prompts, Metric.logitDifference()),
                ReferenceRuns.byStratum(model, prompts, prompts, /* corrupted= */ true, 1));
    }
}
