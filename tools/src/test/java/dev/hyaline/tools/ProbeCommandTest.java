package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code hyaline probe}. */
final class ProbeCommandTest {
    @TempDir
    private Path folder;

    @Test
    void helpHasExamplesAndFitsTheScreen() {
        String help = Outcome.of("probe", "--help").succeeded().out();
        assertThat(help).contains("Usage: hyaline probe", "--erase leace").doesNotContain("${", "null");
        assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    }

    @Test
    void oneCommandShowsTheProbeErasedAndTheBehaviourNot() throws IOException {
        Path out = folder.resolve("probes");
        JsonNode json = Outcome.of(
                        "probe",
                        "--layers",
                        "2,3",
                        "--positions",
                        "end",
                        "--count",
                        "100",
                        "--interventions",
                        "19",
                        "--erase",
                        "leace",
                        "--out",
                        out.toString(),
                        "--json")
                .succeeded()
                .json();
        assertThat(json.get("cells")).hasSize(2);
        JsonNode last = json.get("cells").get(1);
        assertThat(last.get("accuracy").doubleValue()).isGreaterThan(0.95);
        assertThat(last.get("control_accuracy").doubleValue()).isLessThan(0.75);
        assertThat(last.get("erased_accuracy").doubleValue()).isLessThan(0.65);
        assertThat(last.get("verdict").stringValue()).isEqualTo("readable, and used by the model");
        JsonNode before = json.get("cells").get(0);
        assertThat(before.get("erased_accuracy").doubleValue()).isLessThan(0.65);
        assertThat(before.get("erased_right").doubleValue()).isGreaterThan(0.7);
        assertThat(last.get("random_as_much").get("interchange").doubleValue()).isEqualTo(0.05);
        // The control's cells are compared with nothing.
        assertThat(json.at("/tables/probe/statistics/p/0").isNumber()).isTrue();
        assertThat(json.at("/tables/probe/statistics/p/2").isNull()).isTrue();
        try (Stream<Path> files = Files.list(out)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .contains("probe.png", "probe.csv", "interventions.svg", "erased.json");
        }
    }

    private static String[] interchange(int pairs, int folds) {
        return new String[] {
            "probe",
            "--layers",
            "2",
            "--positions",
            "end",
            "--count",
            "" + pairs,
            "--folds",
            "" + folds,
            "--interventions",
            "0",
            "--das",
            "2"
        };
    }

    @Test
    void interchangeAccuracyStandsBesideItsBaselines() {
        String[] few = interchange(40, 2);
        String out = Outcome.of(few).succeeded().out();
        assertThat(out)
                .contains(
                        "40 pairs, each unseen", "(2 trained)", "mass-mean", "whole space", "permuted", "95% interval");
        assertThat(out.lines()).allMatch(line -> line.length() <= 100);
        String[] many = interchange(120, 3);
        String[] withJson = Arrays.copyOf(many, many.length + 1);
        withJson[many.length] = "--json";
        JsonNode json = Outcome.of(withJson).succeeded().json();
        JsonNode accuracy = json.get("cells").get(0).get("interchange_accuracy");
        double trained = accuracy.get("trained").doubleValue();
        assertThat(trained).isGreaterThan(0.6);
        assertThat(accuracy.get("random").doubleValue()).isLessThan(0.3);
        assertThat(accuracy.get("permuted").doubleValue()).isLessThan(trained);
        assertThat(accuracy.get("whole_space").doubleValue()).isGreaterThan(0.8);
        assertThat(accuracy.get("mass_mean").doubleValue()).isGreaterThan(0.3);
        JsonNode das = json.get("tables").get("das");
        // Every fold is judged, and each subspace compared with random ones.
        assertThat(das.get("samples")).hasSize(120);
        assertThat(das.at("/statistics/effect/0").doubleValue())
                .isCloseTo(trained - accuracy.get("random").doubleValue(), within(1e-9));
        assertThat(das.at("/statistics/effect/1").isNull()).isTrue();
        JsonNode interval = json.get("cells").get(0).get("interchange_interval");
        assertThat(interval.get("low").doubleValue()).isLessThan(trained);
        assertThat(interval.get("high").doubleValue()).isGreaterThan(trained);
    }

    @Test
    void labelsFromAFile() throws IOException {
        StringBuilder csv = new StringBuilder("prompt,position,label,group\n");
        List<String> she = List.of("Anna", "Mary", "Grace", "Helen");
        List<String> he = List.of("Tom", "John", "James", "Paul");
        for (String place : List.of("park", "church", "beach")) {
            for (int i = 0; i < 4; i++) {
                csv.append("\"%s went to the %s because\",last,she,%s%n".formatted(she.get(i), place, she.get(i)));
                csv.append("%s went to the %s because,-1,he,%s%n".formatted(he.get(i), place, he.get(i)));
            }
        }
        Path file = Files.writeString(folder.resolve("labels.csv"), csv);
        String out = Outcome.of("probe", "--labels", file.toString(), "--folds", "4", "--layers", "3")
                .succeeded()
                .out();
        assertThat(out.replace('\n', ' ')).contains("24 prompts, 8 types, classes he she");
        assertThat(out).contains(" labelled\n", "1 cell)");
        assertThat(out.lines()).allMatch(line -> line.length() <= 100);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--folds 1 | --folds must be at least 2, found 1",
                "--k 3 | --k is of --method k-sparse, found --method logistic",
                "--method k-sparse --k 0 | --k must be at least 1, found 0",
                "--interventions -1 | --interventions must be 0, or from 19 to 1000, found -1",
                "--interventions 18 | --interventions must be 0, or from 19 to 1000, found 18",
                "--interventions 1001 | --interventions must be 0, or from 19 to 1000, found 1001",
                "--count 3 | --count: the number of prompts must be from 4 to 100000, found 3",
                "--site pattern | --site: a probe reads a site of every layer with one row of values per token",
                "--site z | --site: a probe reads a site of every layer with one row of values per token",
                "--labels nothing.csv --task pronouns | --task, --label, --count and --positions are of tasks",
                "--labels nothing.csv --interventions 20 | --interventions needs the answers of a task",
                "--label XY | there is no role XY",
                "--label stratum --task induction-words | all 200 rows are of the class 'repeated'",
                "--count 8 --folds 9 | fewer than the 9 folds",
                "--das 0 | --das must be at least 1, found 0",
                "--das 129 --count 20 --layers 2 --positions end --interventions 0 | --das must be at most 128, the"
                        + " values",
                "--labels nothing.csv --das 2 | --das needs the pairs of a task, but --labels has none",
                "--method forest | expected logistic, ridge, mass-mean, lda or k-sparse",
            })
    void badOptionsAreNamed(String arguments, String sentence) {
        Outcome outcome = Outcome.of(("probe " + arguments).split(" ", -1));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(sentence);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | is empty; expected a heading with the columns prompt, position, label",
                "prompt,position,label,colour;a,0,b,c | there is no column 'colour'",
                "prompt,pos,label;a,0,b | the column position is missing; the heading has prompt, pos, label",
                "prompt,prompt,position,label;a,0,b | the heading has the column prompt twice",
                "\uFEFFprompt,position,label | expected from 1 to 100000 rows under the heading, found 0",
                "prompt,position,label | expected from 1 to 100000 rows under the heading, found 0",
                "prompt,position,label;a,0 | line 2: expected 3 fields, found 2",
                "prompt,position,label;a,first,b | line 2: expected a position such as 3, -1 or last, found 'first'",
                "prompt,position,label;a,0, | line 2: the label is empty",
                "prompt,position,label;\"a,0,b | line 2: a quoted field is not closed",
                "prompt,position,label;\"a;b\",0,x;;c,first,y | line 5: expected a position such as",
                "prompt,position,label;Anna,99,b;Tom,0,c | line 2: the prompt has 2 tokens, and no position 99",
            })
    void badFilesAreNamed(String lines, String sentence) throws IOException {
        Path file = Files.writeString(folder.resolve("labels.csv"), lines.replace(';', '\n'));
        Outcome outcome = Outcome.of("probe", "--labels", file.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(sentence);
    }
}
