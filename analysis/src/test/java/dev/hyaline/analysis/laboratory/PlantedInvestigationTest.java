package dev.hyaline.analysis.laboratory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.CorpusListener;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.Provenance;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Studies of models in which it is known what there is to find. */
final class PlantedInvestigationTest {
    /** The shape of models of random weights. */
    private static final Gpt2Config NOTHING =
            new Gpt2Config(1, 4, 16, 8, 8, CopyingModel.DIGITS, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);

    /** Whole studies of such models. */
    private static final int STUDIES = 12;

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
                .isEqualTo(new HypothesisVerdict(
                        HypothesisVerdict.Word.REFUTED,
                        List.of("needed: negligible (the interval lies below the claimed number)")));
    }

    @Test
    void theOppositeOfWhatIsClaimedIsRefuted(@TempDir Path folder) throws IOException {
        assertThat(study(folder, -1, UNCHECKED).verdict())
                .isEqualTo(new HypothesisVerdict(
                        HypothesisVerdict.Word.REFUTED,
                        List.of("needed: opposite (the interval lies on the other side of 0)")));
    }

    /** The planted heads carry the answer, whatever way it is written. */
    @Test
    void whatIsPlantedIsForcedBothWays(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("pairs.json"), CopyingModel.pairs(120, 3));
        String heads = "[\"0.1\", \"0.4\", \"0.6\", \"0.7\", \"0.10\"]";
        Investigation investigation = Investigation.parse("forced.json", """
            {"format": "hyaline-investigation/1", "model": "planted", "behaviour": {},
             "prompts": {"pairs": "pairs.json", "draw": {"discovery": 32, "held_out": 16}, "reference": "corrupted"},
             "design": {"pilot": 4}, "alternatives": [], "sanity": "none", "robustness": "none",
             "claims": [
              {"name": "given back", "do": "force", "force": "donor", "into": "corrupted", "components": %s,
               "expect": {"increase": 5}},
              {"name": "a level", "do": "force", "force": "mean-active", "components": %s,
               "expect": {"decrease": 2}},
              {"name": "steered", "do": "steer", "alpha": 2, "into": "corrupted", "components": "0.4",
               "expect": {"no_effect": 1}},
              {"name": "taken away", "do": [{"do": "zero", "site": "blocks.0.attn.hook_z", "heads": "1,4,6,7,10"}],
               "components": %s, "expect": {"decrease": 2.5}},
              {"name": "looking away", "do": "look", "at": "other", "components": %s, "expect": {"decrease": 1}}]}
            """.formatted(heads, heads, heads, heads));
        try (Gpt2 model = CopyingModel.of(1)) {
            Path study = folder.resolve("study");
            StudyReport report = Laboratory.of(new StudyModel("planted", model))
                    .in(study)
                    .pairsFrom(folder)
                    .run(investigation, StudyProgress.NONE);
            assertThat(report.claims())
                    .extracting(claim -> claim.name() + ": " + claim.verdict())
                    .containsExactly(
                            "given back: confirmed",
                            "a level: confirmed",
                            "steered: confirmed",
                            "taken away: confirmed",
                            "looking away: confirmed");
            List<Json> forces = new StudyFiles(study)
                    .json(StudyForces.PATH)
                    .require("claims")
                    .elements();
            assertThat(forces)
                    .extracting(claim -> claim.require("claim").string() + ": "
                            + claim.require("words").string())
                    .containsExactly(
                            "given back: breaks and restores",
                            "a level: breaks, does not restore",
                            "steered: neither breaks nor restores",
                            "looking away: breaks, does not restore");
            // Into two sides, at the end and everywhere, each with the control that a like donor does nothing.
            List<Json> donor = forces.getFirst().require("results").elements();
            assertThat(donor).hasSize(8);
            assertThat(donor.get(1).require("control").string()).isEqualTo("a donor with the same answer does nothing");
            assertThat(Math.abs(donor.get(1).require("change").number())).isLessThan(0.2);
            assertThat(donor.get(0).require("change").number()).isLessThan(-5);
            assertThat(forces.get(2).require("doses").elements()).hasSize(2);
            assertThat(new StudyFiles(study)
                            .json(ReportPhase.PATH)
                            .require("forces")
                            .elements())
                    .hasSize(4);
            assertThat(Laboratory.of(new StudyModel("planted", model))
                            .verify(study, Files.createDirectory(folder.resolve("again")), StudyProgress.NONE))
                    .isNull();
        }
    }

    /** The features of the planted heads' output are found and ablated, and the report says what is known of them. */
    @Test
    void featuresOfALearnedDictionaryAreAblated(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("pairs.json"), CopyingModel.pairs(120, 3));
        Investigation investigation = Investigation.parse("features.json", """
            {"format": "hyaline-investigation/1", "model": "planted", "behaviour": {},
             "prompts": {"pairs": "pairs.json", "draw": {"discovery": 32, "held_out": 4}, "reference": "corrupted"},
             "superposition": {"site": "blocks.0.hook_attn_out", "features": 32, "latents": 4, "steps": 400},
             "design": {"pilot": 4}, "alternatives": [], "sanity": "none", "robustness": "none",
             "claims": [{"name": "a", "do": "ablate", "components": "0.4", "expect": {"decrease": 0.1}}]}
            """);
        assertThat(Investigation.parse("again", new String(investigation.toJson(), StandardCharsets.UTF_8)))
                .isEqualTo(investigation);
        try (Gpt2 model = CopyingModel.of(1)) {
            Path study = folder.resolve("study");
            Laboratory.of(new StudyModel("planted", model))
                    .in(study)
                    .pairsFrom(folder)
                    .run(investigation, StudyProgress.NONE);
            Json found = new StudyFiles(study).json(ReportPhase.PATH).require("superposition");
            assertThat(found.get("problem")).isEmpty();
            assertThat(found.require("dictionaries").elements())
                    .extracting(dictionary -> dictionary.require("features").integer(0, 100))
                    .containsExactly(32, 32);
            List<Json> features = found.require("features").elements();
            assertThat(features).hasSizeBetween(4, 24);
            assertThat(features.getFirst().require("component").string()).startsWith("sae:blocks.0.hook_attn_out[");
            // A feature of the output of heads that carry the answer costs some of it.
            assertThat(features).anyMatch(feature -> feature.require("loss").number() > 0.05);
            try (Gpt2 other = Gpt2.of(model.weights(), 1)) {
                assertThat(Laboratory.of(new StudyModel("planted", other))
                                .verify(study, Files.createDirectory(folder.resolve("again")), StudyProgress.NONE))
                        .isNull();
            }
        }
    }

    /** Documents are joined two by two, and none is in both halves. */
    @Test
    void pairsComeFromADumpedCorpus(@TempDir Path folder) throws IOException {
        SplittableRandom random = new SplittableRandom(4);
        List<Document> documents = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            documents.add(new Document(
                    "document " + i,
                    random.ints(5 + random.nextInt(5), 0, CopyingModel.DIGITS).toArray()));
        }
        Investigation investigation = Investigation.parse("corpus.json", """
            {"format": "hyaline-investigation/1", "model": "planted",
             "behaviour": {"present_if": {"mean_at_least": -100, "accuracy_at_least": 0}},
             "prompts": {"corpus": {"dump": "dump", "length": 6}, "draw": {"discovery": 8, "held_out": 8}},
             "design": {"pilot": 4}, "alternatives": [], "sanity": "none", "robustness": "none",
             "claims": [{"name": "a", "do": "ablate", "components": "0.1", "expect": {"decrease": 1}}]}
            """);
        try (Gpt2 model = CopyingModel.of(1)) {
            CorpusDump dump = CorpusDump.of(model.config(), List.of(HookPoint.of(Site.RESID_POST, 0)));
            try (DumpFolder opened = DumpFolder.open(folder.resolve("dump"), DumpFolder.IfExists.REFUSE)) {
                Corpus corpus = Corpus.of(documents);
                dump.write(
                        model,
                        corpus,
                        dump.forecast(corpus, tokens -> {}),
                        opened,
                        new Provenance("test", List.of("dump"), "planted", List.of(), null, token -> ""),
                        CorpusListener.NONE);
            }
            Path study = folder.resolve("study");
            StudyReport report = Laboratory.of(new StudyModel("planted", model))
                    .in(study)
                    .pairsFrom(folder)
                    .run(investigation, StudyProgress.NONE);
            assertThat(report.reached()).isEqualTo("7-report");
            StudyPrompts prompts = StudyPrompts.read(new StudyFiles(study), DesignPhase.PROMPTS);
            assertThat(prompts.leakage().units()).isZero();
            Set<String> seen = new HashSet<>();
            for (PromptPair pair : prompts.all().pairs()) {
                String[] unit = pair.unit().split(", ", -1);
                assertThat(seen.add(unit[0]) && seen.add(unit[1])).isTrue();
                int[] clean = documents.get(Integer.parseInt(unit[0])).tokens();
                int[] corrupted = documents.get(Integer.parseInt(unit[1])).tokens();
                assertThat(pair.clean()).isEqualTo(Arrays.copyOf(clean, 6));
                assertThat(pair.corrupted()).isEqualTo(Arrays.copyOf(corrupted, 6));
                assertThat(pair.answers()).containsExactly(clean[6]);
                assertThat(pair.distractors()).containsExactly(corrupted[6]);
            }
            assertThatThrownBy(() -> Laboratory.of(new StudyModel("planted", model))
                            .in(folder.resolve("long"))
                            .pairsFrom(folder)
                            .run(
                                    Investigation.parse(
                                            "long.json",
                                            new String(investigation.toJson(), StandardCharsets.UTF_8)
                                                    .replace("\"length\" : 6", "\"length\" : 9")),
                                    StudyProgress.NONE))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("dump has no two documents of at least 10 tokens");
        }
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

    /**
     * The same by whole studies, from the file to the report: a search for a circuit, claims about it and about heads,
     * rivals. Without checks no verdict is better than inconclusive, so that claims are counted.
     */
    @Test
    void wholeStudiesFindNothingWhereNothingIs(@TempDir Path folder) throws IOException {
        int found = 0;
        int refuted = 0;
        int confirmed = 0;
        int claims = 0;
        for (int seed = 0; seed < STUDIES; seed++) {
            StudyReport report = studyOfNothing(folder.resolve("nothing " + seed), seed, """
                , "alternatives": ["shuffled-labels"], "sanity": "none", "robustness": "none"\
                """);
            assertThat(report.reached()).isEqualTo("7-report");
            long held = report.claims().stream()
                    .filter(claim -> claim.verdict().equals("confirmed"))
                    .count();
            confirmed += (int) held;
            claims += report.claims().size();
            found += held == report.claims().size() ? 1 : 0;
            refuted += report.verdict() != null && report.verdict().word() == HypothesisVerdict.Word.REFUTED ? 1 : 0;
        }
        assertThat(claims).isGreaterThan(2 * STUDIES);
        assertThat(found).isZero();
        assertThat(refuted).isPositive();
        assertThat(confirmed).isLessThan(claims / 10);
    }

    static StudyReport studyOfNothing(Path folder, long seed, String checks) throws IOException {
        Files.createDirectory(folder);
        SplittableRandom random = new SplittableRandom(seed);
        List<String> pairs = new ArrayList<>();
        for (int pair = 0; pair < 28; pair++) {
            int answer = random.nextInt(CopyingModel.DIGITS);
            int distractor = (answer + 1 + random.nextInt(CopyingModel.DIGITS - 1)) % CopyingModel.DIGITS;
            pairs.add("""
                {"clean": %s, "corrupted": %s, "answer": %d, "distractor": %d, "unit": "%d"}
                """.formatted(
                    Arrays.toString(random.ints(6, 0, CopyingModel.DIGITS).toArray()),
                    Arrays.toString(random.ints(6, 0, CopyingModel.DIGITS).toArray()),
                    answer,
                    distractor,
                    pair));
        }
        Files.writeString(folder.resolve("pairs.json"), pairs.toString());
        Investigation investigation = Investigation.parse("nothing.json", """
            {"format": "hyaline-investigation/1", "model": "nothing", "seed": %d,
             "behaviour": {"present_if": {"mean_at_least": -100, "accuracy_at_least": 0}},
             "prompts": {"pairs": "pairs.json", "draw": {"discovery": 12, "held_out": 16}, "reference": "corrupted"},
             "design": {"pilot": 4},
             "claims": [
              {"name": "needed", "do": "ablate", "components": "circuit", "expect": {"decrease": 0.5, "unit": "gap"}},
              {"name": "one", "do": "ablate", "components": ["0.0", "0.1"], "expect": {"decrease": 0.1}},
              {"name": "two", "do": "ablate", "components": "0.3", "expect": {"increase": 0.1}}]%s}
            """.formatted(seed, checks));
        try (Gpt2 model = Gpt2.of(RandomModels.weights(NOTHING, seed), 1)) {
            return Laboratory.of(new StudyModel("nothing", model))
                    .in(folder.resolve("study"))
                    .pairsFrom(folder)
                    .run(investigation, StudyProgress.NONE);
        }
    }

    private static List<ClaimFinding> ofNothing(long seed) {
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
        try (Gpt2 model = Gpt2.of(RandomModels.weights(NOTHING, seed), 1)) {
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
