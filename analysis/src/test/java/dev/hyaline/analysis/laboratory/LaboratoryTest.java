package dev.hyaline.analysis.laboratory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.LIST;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.investigation.HypothesisVerdict;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Json;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole studies of the built-in model, stopped, resumed, made again and tampered with. */
final class LaboratoryTest {
    private static final Investigation SMALL = parse(/* decrease= */ 1);

    private static Gpt2 model;
    private static StudyModel studied;

    @TempDir
    static Path shared;

    private static Path done;
    private static StudyReport report;

    private static Investigation parse(double decrease) {
        return Investigation.parse("small.json", """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "prompts": {"draw": {"discovery": 8, "held_out": 16}, "split_by": "names"},
             "design": {"pilot": 4}, "alternatives": [], "sanity": "none", "robustness": "none",
             "claims": [
              {"name": "inhibits", "do": "ablate", "components": ["1.0", "1.3"], "expect": {"decrease": %s}},
              {"name": "looks", "do": "attend", "at": "S2", "components": "1.3",
               "expect": {"attention_at_least": 0.3}},
              {"name": "opposite", "do": "look", "at": "S1", "components": ["2.4", "2.6"],
               "expect": {"increase": 1}, "primary": false}]}
            """.formatted(decrease));
    }

    @BeforeAll
    static void study() {
        model = Fable.open();
        studied = of(model);
        done = shared.resolve("done");
        report = Laboratory.of(studied).in(done).run(SMALL, StudyProgress.NONE);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static StudyModel of(Gpt2 model) {
        return new StudyModel("fable", model, Fable.encoder(), "tokens");
    }

    /** All files of the phases by path. */
    private static Map<String, String> files(Path folder) throws IOException {
        Map<String, String> files = new TreeMap<>();
        for (String phase : Laboratory.PHASES) {
            if (Files.isDirectory(folder.resolve(phase))) {
                try (Stream<Path> names = Files.list(folder.resolve(phase))) {
                    for (Path file : names.toList()) {
                        files.put(phase + "/" + file.getFileName(), Digests.sha256(Files.readAllBytes(file)));
                    }
                }
            }
        }
        return files;
    }

    @Test
    void claimsHaveVerdicts() {
        assertThat(report.reached()).isEqualTo("7-report");
        assertThat(report.present()).isTrue();
        assertThat(report.claims())
                .extracting(claim -> claim.name() + ": " + claim.verdict())
                .containsExactly("inhibits: confirmed", "looks: confirmed", "opposite: refuted (opposite)");
        assertThat(report.verdict()).isNotNull();
        assertThat(report.verdict().toString()).contains("inconclusive", "sanity (", "robustness: not tested");
    }

    @Test
    void halvesShareNoNameAndNoPrompt() {
        StudyPrompts prompts = StudyPrompts.read(new StudyFiles(done), DesignPhase.PROMPTS);
        assertThat(prompts.leakage()).isEqualTo(new Leakage(0, 0, 0));
        PromptSet discovery = prompts.discoveryHalf().prompts();
        PromptSet heldOut = prompts.all().of(IntStream.range(8, 24).toArray());
        assertThat(discovery.size()).isEqualTo(8);
        List<Integer> names = new ArrayList<>();
        discovery
                .pairs()
                .forEach(pair ->
                        names.addAll(List.of(pair.clean()[pair.position("IO")], pair.clean()[pair.position("S1")])));
        assertThat(heldOut.pairs())
                .noneMatch(pair -> names.contains(pair.clean()[pair.position("IO")])
                        || names.contains(pair.clean()[pair.position("S1")]));
        for (String template : List.of("ABBA", "BABA")) {
            assertThat(discovery.factors().get("template"))
                    .filteredOn(template::equals)
                    .hasSize(4);
            assertThat(heldOut.factors().get("template"))
                    .filteredOn(template::equals)
                    .hasSize(8);
        }
    }

    @Test
    void stoppedAnywhereItEndsInTheSameBytes(@TempDir Path folder) throws IOException {
        int stop = 0;
        boolean finished = false;
        while (!finished) {
            int left = stop;
            int[] seen = {0};
            try {
                Laboratory.of(studied).in(folder).run(SMALL, new StudyProgress() {
                    @Override
                    public void advanced(String work, long measured, long total) {
                        if (seen[0]++ == left) {
                            throw new IllegalStateException("stopped");
                        }
                    }
                });
                finished = true;
            } catch (IllegalStateException e) {
                stop += 7;
            }
        }
        assertThat(stop).isGreaterThan(20);
        assertThat(files(folder)).isEqualTo(files(done));
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Stream.concat(
                                    Laboratory.PHASES.stream(), Stream.of("investigation.json", "run.json", ".lock"))
                            .toList());
        }
    }

    @Test
    void anyThreadsGiveTheSameBytes(@TempDir Path folder) throws IOException {
        for (int threads : new int[] {1, 7}) {
            try (Gpt2 other = Gpt2.of(model.weights(), threads)) {
                Path of = folder.resolve(String.valueOf(threads));
                Laboratory.of(of(other)).in(of).run(SMALL, StudyProgress.NONE);
                assertThat(files(of)).isEqualTo(files(done));
            }
        }
    }

    @Test
    void oneDigitIsFound(@TempDir Path folder) throws IOException {
        Path copy = folder.resolve("copy");
        Laboratory.of(studied).in(copy).run(SMALL, StudyProgress.NONE);
        Path again = Files.createDirectory(folder.resolve("again"));
        assertThat(Laboratory.of(studied).verify(copy, again, StudyProgress.NONE))
                .isNull();
        for (String path : files(copy).keySet()) {
            Path file = copy.resolve(path);
            byte[] bytes = Files.readAllBytes(file);
            byte[] changed = bytes.clone();
            changed[changed.length / 2] ^= 1;
            Files.write(file, changed);
            StudyDifference difference = null;
            for (String phase : Laboratory.PHASES) {
                difference = difference == null
                        ? StudyDifference.find(phase, new StudyFiles(copy), new StudyFiles(again))
                        : difference;
            }
            assertThat(difference).as(path).isNotNull();
            assertThat(difference.path()).isEqualTo(path);
            Files.write(file, bytes);
        }
        Path file = copy.resolve("5-analysis/analysis.json");
        Files.writeString(file, Files.readString(file).replaceFirst("0\\.0", "0.1"));
        assertThatThrownBy(() -> Laboratory.of(studied).in(copy).run(SMALL, StudyProgress.NONE))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("analysis.json is not what the study wrote");
    }

    @ParameterizedTest
    @CsvSource({
        "'a\n', 'a\n\n', ends 1 byte before the one made again",
        "'a\nbcd', 'a\n', goes on for 3 bytes where the one made again ends",
        "'a\n\nb', 'a\nb\n', 'differs in line 2, found an empty line, made again \"b\"'",
        "'a \nb', 'a\nbc', differs at byte 1",
    })
    void howTextDiffersIsTold(String found, String again, String words, @TempDir Path folder) throws IOException {
        for (String name : List.of("found", "again")) {
            Path file = folder.resolve(name).resolve("phase").resolve("a.txt");
            Files.createDirectories(file.getParent());
            Files.writeString(file, name.equals("found") ? found : again);
        }
        assertThat(StudyDifference.find(
                        "phase", new StudyFiles(folder.resolve("found")), new StudyFiles(folder.resolve("again"))))
                .isEqualTo(new StudyDifference("phase/a.txt", words));
    }

    @Test
    void anotherFileMakesAnotherStudyThatNamesTheOld(@TempDir Path folder) throws IOException {
        Laboratory.of(studied).in(folder).until("3-design").run(SMALL, StudyProgress.NONE);
        Laboratory.of(studied).in(folder).until("1-formalise").run(parse(2), StudyProgress.NONE);
        String hypothesis = Files.readString(folder.resolve("1-formalise/hypothesis.json"));
        String digest = Digests.sha256(SMALL.toJson());
        String earlier = "earlier-" + digest.substring(0, 12);
        assertThat(hypothesis).contains(earlier, digest, "\"reached\" : \"3-design\"");
        assertThat(Files.readAllBytes(folder.resolve(earlier).resolve("investigation.json")))
                .isEqualTo(SMALL.toJson());
        assertThat(folder.resolve("3-design")).doesNotExist();
        assertThat(folder.resolve(earlier).resolve("3-design/plan.lock")).exists();
        // The first file comes and goes once more.
        Laboratory.of(studied).in(folder).until("3-design").run(SMALL, StudyProgress.NONE);
        Laboratory.of(studied).in(folder).until("1-formalise").run(parse(2), StudyProgress.NONE);
        assertThat(folder.resolve(earlier + "-2").resolve("3-design/plan.lock")).exists();
    }

    @Test
    void claimsOfACircuitAreCheckedAndVaried(@TempDir Path folder) throws IOException {
        Investigation investigation = Investigation.parse("circuit.json", """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "prompts": {"draw": {"discovery": 4, "held_out": 8}, "split_by": "names"}, "design": {"pilot": 2},
             "claims": [
              {"name": "enough", "do": "keep-only", "components": "circuit",
               "expect": {"faithfulness_at_least": 0.5}},
              {"name": "none there", "do": "ablate", "components": "circuit[3.*]", "expect": {"decrease": 1},
               "primary": false}]}
            """);
        StudyReport found = Laboratory.of(studied).in(folder).run(investigation, StudyProgress.NONE);
        assertThat(found.claims().get(0).estimate()).isBetween(0.8, 1.2);
        assertThat(found.claims().get(1).verdict()).isEqualTo("inconclusive (sanity)");
        assertThat(Files.readString(folder.resolve("4-discovery/sanity.json"))).contains("\"any threads\"");
        assertThat(Files.readString(folder.resolve("6-robustness/robustness.json")))
                .contains("bfloat16 weights");
        assertThat(Files.readString(folder.resolve("7-report/report.json")))
                .contains(
                        "\"sanity\" :",
                        "\"robustness\" :",
                        "\"alternatives\" :",
                        "random-components",
                        "No claim was tested by zero ablation.");
        Json written = new StudyFiles(folder).json(ReportPhase.PATH);
        assertThat(written.require("heads").require("loss").elements()).hasSize(32);
        Json control = written.require("controls").elements().getFirst();
        assertThat(control.require("name").string()).isEqualTo("random-components against enough");
        assertThat(control.require("draws").elements()).hasSize(199);
        double observed = control.require("observed").number();
        long asLarge = control.require("draws").elements().stream()
                .filter(draw -> draw.number() >= observed)
                .count();
        assertThat(control.require("p").number()).isEqualTo((1 + asLarge) / 200.0);
        Json stability = written.require("discovery").require("stability");
        assertThat(stability.require("similarity_of_resamples").number()).isBetween(0.3, 1.0);
        assertThat(stability.require("inclusion").names()).hasSizeGreaterThan(2);
        int members = written.require("discovery").require("circuit").elements().size();
        assertThat(written.require("circuit_tests").require("members").elements())
                .hasSize(members);
        assertThat(written.require("circuit_tests").require("sufficiency").number())
                .isCloseTo(found.claims().get(0).estimate(), within(1e-9));
        assertThat(written.require("interactions").elements()).hasSize(members * (members - 1) / 2);
        assertThat(written.require("shapley").elements().stream()
                        .mapToDouble(member -> member.require("value").number())
                        .sum())
                .isCloseTo(written.require("shapley_sum").require("whole").number(), within(1e-9));
        assertThat(written.require("shapley_sum").require("conserved").bool()).isTrue();
    }

    /** The head that suppresses the second subject most, by the golden study, stands out of the scan. */
    @Test
    void headsAreScannedOneByOneOnTheDiscoveryHalf() {
        StudyFiles files = new StudyFiles(done);
        StudyTable table = files.table(DiscoveryPhase.TABLE);
        List<Json> scanned =
                files.json(CandidateScan.PATH).require("components").elements();
        assertThat(scanned).hasSize(32);
        Json head = scanned.get(11);
        assertThat(head.require("component").string()).isEqualTo("1.3");
        assertThat(head.require("loss").number()).isPositive();
        assertThat(head.require("loss").number()).isLessThan(mean(table.column("clean")) - mean(table.column("empty")));
        Json map = files.json(ReportPhase.PATH).require("heads");
        assertThat(map.require("loss").elements().get(11).number())
                .isEqualTo(head.require("loss").number());
        assertThat(files.has(CircuitStudy.PATH)).isFalse();
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    /** The model's previous-token head is 0.4, its head 2.5 works against the answer, and 0.0 does nothing. */
    @Test
    void whatIsPlantedIsFoundInAFileOfPairs(@TempDir Path folder) throws IOException, URISyntaxException {
        SplittableRandom random = new SplittableRandom(3);
        StringBuilder pairs = new StringBuilder("[");
        for (int pair = 0; pair < 280; pair++) {
            List<Integer> clean = tokens(random);
            List<Integer> corrupted = tokens(random);
            int repeated = 1 + random.nextInt(6);
            clean.add(clean.get(repeated));
            corrupted.add(corrupted.get(repeated));
            pairs.append(pair == 0 ? "" : ",").append("""
                {"clean": %s, "corrupted": %s, "answer": %d, "distractor": %d, "stratum": "%d", "unit": "pair %d"}
                """.formatted(
                    clean, corrupted, clean.get(repeated + 1), corrupted.get(repeated + 1), repeated % 2, pair / 2));
        }
        Files.writeString(folder.resolve("pairs.json"), pairs.append("]"));
        Investigation investigation = Investigation.parse("planted.json", """
            {"format": "hyaline-investigation/1", "model": "planted", "behaviour": {},
             "prompts": {"pairs": "pairs.json", "draw": {"discovery": 20, "held_out": 120}, "reference": "corrupted"},
             "alternatives": [], "sanity": "none", "robustness": "none",
             "claims": [
              {"name": "planted", "do": "ablate", "components": "0.4", "expect": {"decrease": 0.3, "unit": "gap"}},
              {"name": "of half the size", "do": "ablate", "components": "0.4",
               "expect": {"decrease": 2.2, "unit": "gap"}},
              {"name": "the other way", "do": "ablate", "components": "2.5",
               "expect": {"decrease": 0.1, "unit": "gap"}},
              {"name": "nothing", "do": "ablate", "components": "0.0", "expect": {"decrease": 0.1, "unit": "gap"}},
              {"name": "nothing indeed", "do": "ablate", "components": "0.0",
               "expect": {"no_effect": 0.1, "unit": "gap"}}]}
            """);
        Path planted = Path.of(LaboratoryTest.class
                        .getResource("/golden/circuits/planted/config.json")
                        .toURI())
                .getParent();
        try (Checkpoint checkpoint = Checkpoint.open(planted);
                Gpt2 byHand = Gpt2.of(checkpoint.weights(), 2)) {
            StudyModel subject = new StudyModel("planted", byHand);
            Path out = folder.resolve("study");
            StudyReport found = Laboratory.of(subject).in(out).pairsFrom(folder).run(investigation, StudyProgress.NONE);
            assertThat(found.claims())
                    .extracting(claim -> claim.name() + ": " + claim.verdict())
                    .containsExactly(
                            "planted: confirmed",
                            "of half the size: refuted (negligible)",
                            "the other way: refuted (opposite)",
                            "nothing: refuted (negligible)",
                            "nothing indeed: confirmed");
            assertThat(String.valueOf(found.verdict())).startsWith("HypothesisVerdict[word=refuted");
            // The file of pairs may go: the study keeps its own.
            Files.delete(folder.resolve("pairs.json"));
            assertThat(Laboratory.of(subject)
                            .verify(out, Files.createDirectory(folder.resolve("again")), StudyProgress.NONE))
                    .isNull();
        }
    }

    private static List<Integer> tokens(SplittableRandom random) {
        List<Integer> tokens = new ArrayList<>(List.of(0));
        while (tokens.size() < 8) {
            int token = 1 + random.nextInt(19);
            if (!tokens.contains(token)) {
                tokens.add(token);
            }
        }
        return tokens;
    }

    @Test
    void theHeldOutHalfOpensToItsOwnLockAlone() {
        PlanLock plan = new PlanLock(Map.of("model", "a"));
        Sealed<String> sealed = Sealed.of("prompts", plan);
        assertThat(sealed.open(new ClaimsLock(Map.of("plan.lock", plan.sha256()))))
                .isEqualTo("prompts");
        assertThatThrownBy(() -> sealed.open(new ClaimsLock(Map.of("plan.lock", "b"))))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the claims were locked under the plan b, but the held-out prompts are sealed under the"
                        + " plan " + plan.sha256());
    }

    @Test
    void theReadmesExampleIsTheCodeBelow(@TempDir Path other) throws IOException {
        Path file = other.resolve("small.json");
        Files.write(file, SMALL.toJson());
        Path folder = done;
        PromptEncoder encoder = Fable.encoder();
        // @start region="readme"
        Laboratory laboratory =
                Laboratory.of(new StudyModel("fable", model, encoder, "tokens")).in(folder);
        StudyReport report =
                laboratory.run(Investigation.read(file), StudyProgress.NONE); // goes on where it was stopped
        HypothesisVerdict verdict = report.verdict(); // supported, refuted or inconclusive, with reasons
        // @end
        assertThat(verdict).isEqualTo(LaboratoryTest.report.verdict());
        String source = Files.readString(Path.of("src/test/java/dev/hyaline/analysis/laboratory/LaboratoryTest.java"));
        // In two pieces, for javadoc takes the whole for a mark.
        String start = "// " + "@start region=\"readme\"\n";
        int from = source.indexOf(start) + start.length();
        String code = source.substring(from, source.indexOf("// " + "@end\n", from));
        String readme = Files.readString(Path.of("../README.md"));
        String shown = readme.substring(readme.indexOf("LaboratoryTest. -->\n```java\n") + 28);
        assertThat(words(shown.substring(0, shown.indexOf("```")))).isEqualTo(words(code));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", " ").replace(" .", ".").strip();
    }

    @Test
    void stepsAreJoined() {
        Step<Integer, String> words = (number, run) -> "n" + number;
        Step<String, Integer> lengths = (text, run) -> text.length();
        PhaseRun run = new PhaseRun(shared, StudyProgress.NONE);
        assertThat(words.then(lengths).then((n, r) -> n * 2.0).run(123, run)).isEqualTo(8.0);
    }

    /** Without look, attend or mechanism nothing tells copying heads from others; one order tells no position. */
    @Test
    void theDesignSaysWhatItCannotTellApart() {
        Json design = new StudyFiles(done).json(DesignPhase.PATH);
        assertThat(design.require("forecast").require("full_passes").integer(0, 100))
                .isEqualTo(48);
        assertThat(design.require("forecast").require("bytes_kept").number()).isPositive();
        List<Json> hypotheses = design.require("matrix").require("hypotheses").elements();
        assertThat(hypotheses)
                .extracting(hypothesis -> hypothesis.require("name").string() + " "
                        + hypothesis.require("distinguishable").bool())
                .containsExactly("claimed true", "other-mechanism true");
        Investigation plain = Investigation.parse("plain.json", """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "claims": [{"name": "a", "do": "ablate", "components": "1.3", "expect": {"decrease": 1}}]}
            """);
        DesignMatrix matrix = DesignMatrix.of(plain, 1);
        assertThat(matrix.remarks())
                .hasSize(3)
                .anyMatch(remark -> remark.startsWith("The rival position-only is not distinguishable"))
                .anyMatch(remark -> remark.contains("\"do\": \"look\""));
        assertThat(DesignMatrix.of(plain, 2).remarks()).hasSize(1);
    }

    @Test
    void whatPromptsCanShowIsSaidBeforeAnyModelIsRun(@TempDir Path folder) throws IOException {
        StudyCheck small = StudyCheck.of(Path.of("small.json"), SMALL, Fable.encoder());
        assertThat(small.facts()).first().isEqualTo("There are 8 pairs for discovery and 16 held out, in 10 units.");
        assertThat(small.facts()).hasSize(2);
        assertThat(small.warnings()).isEmpty();
        Path file = Files.writeString(folder.resolve("missing.json"), """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi",
              "at": "endd"},
             "prompts": {"draw": {"discovery": 4, "held_out": 4}, "split_by": ["IO",
              "S9"]},
             "claims": [{"name": "a", "do": "look", "at": "S3", "components": "1.3", "expect": {"decrease": 1}},
              {"name": "b", "do": "ablate", "components": ["1.2",
               "1.3@S4"], "expect": {"decrease": 1}}]}
            """);
        Investigation missing = Investigation.read(file);
        String roles = "; expected one of IO, S1, S2, end, giving, object, place";
        assertThatThrownBy(() -> StudyCheck.of(file, missing, Fable.encoder()))
                .isInstanceOf(BadInputException.class)
                .extracting(fault -> ((BadInputException) fault).sentences(), LIST)
                .containsExactly(
                        file + ", line 2: behaviour.at: no prompt has the role endd" + roles,
                        file + ", line 4: prompts.split_by[1]: no prompt has the role S9" + roles,
                        file + ", line 5: claims[0].at: no prompt has the role S3" + roles,
                        file + ", line 7: claims[1].components[1]: no prompt has the role S4" + roles);
        Investigation few = Investigation.parse("few.json", """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "prompts": {"draw": {"discovery": 4, "held_out": 4}},
             "claims": [{"name": "a", "do": "look", "at": "S2", "components": "1.3", "expect": {"decrease": 1}}]}
            """);
        assertThat(StudyCheck.of(file, few, Fable.encoder()).warnings())
                .contains("no result can confirm the primary claims, which takes at least 6 units.");
    }

    @Test
    void aBehaviourThatIsNotThereEndsTheStudy(@TempDir Path folder) throws IOException {
        Investigation absent = Investigation.parse(
                "absent.json",
                new String(SMALL.toJson(), StandardCharsets.UTF_8)
                        .replaceFirst("\"mean_at_least\" : 0.0", "\"mean_at_least\" : 100"));
        StudyReport found = Laboratory.of(studied).in(folder).run(absent, StudyProgress.NONE);
        assertThat(found.present()).isFalse();
        assertThat(found.verdict()).isNull();
        assertThat(found.claims()).isEmpty();
        assertThat(Files.readString(folder.resolve("7-report/report.json"))).contains("\"not present\"");
        assertThat(folder.resolve("4-held-out/measurements.safetensors")).doesNotExist();
    }
}
