package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.tools.option.PromptOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What {@code hyaline edit} shows and refuses. */
final class EditCommandTest {
    private static final String BUILT_IN = PromptOptions.BUILT_IN_PROMPT;

    @TempDir
    private Path temporary;

    private static JsonNode json(String... arguments) {
        String[] all = new String[arguments.length + 2];
        all[0] = "edit";
        all[1] = "--json";
        System.arraycopy(arguments, 0, all, 2, arguments.length);
        return Outcome.of(all).json();
    }

    private static double difference(JsonNode report, String when) {
        return report.at("/prompts/0/logit_differences/0/" + when).asDouble();
    }

    @Test
    void showsThePredictionsBeforeAndAfter() {
        String text = Outcome.of(
                        "edit", "--zero", "z", "--layers", "2", "--heads", "1,5", "--compare", " Mary", " John")
                .succeeded()
                .out();
        assertThat(text)
                .contains("fable  4 layers, 8 heads, width 128")
                .contains("Edit  Zero of blocks.2.attn.hook_z, heads 1,5")
                .contains("Prompt (the built-in prompt, 15 tokens)")
                .containsPattern("before +% +after +%")
                .containsPattern("\" Mary\" +99\\.\\d\\d +\" Mary\" +97\\.\\d\\d")
                .containsPattern("KL divergence 0\\.0\\d+ nats")
                .containsPattern("\" Mary\" - \" John\"  logit difference 7\\.\\d+ -> 5\\.\\d+ \\(-1\\.\\d+\\)");
    }

    @Test
    void smallProbabilitiesKeepTheirDigits() {
        assertThat(Outcome.of("edit", "--zero", "z", "--layers", "1")
                        .succeeded()
                        .out())
                .containsPattern("\" John\" +0\\.07 +\"[^\"]+\" +\\de-\\d")
                .doesNotContain("0.00 ", "0.00\n");
    }

    @Test
    void aFileAndOptionsSayTheSame() throws IOException {
        Path file = temporary.resolve("edits.json");
        Files.writeString(file, """
            {"format": "hyaline-interventions/1", "interventions": [
              {"do": "scale", "site": "blocks.1.hook_mlp_out", "factor": 0.25, "positions": "-1"}]}
            """);
        JsonNode read = json("--edits", file.toString(), "--compare", "#7", "#8");
        JsonNode typed =
                json("--scale", "mlp_out=0.25", "--layers", "1", "--positions", "last", "--compare", "#7", "#8");
        assertThat(read.at("/prompts")).isEqualTo(typed.at("/prompts"));
        assertThat(difference(read, "before")).isNotEqualTo(difference(read, "after"));
        assertThat(read.at("/prompts/0/kl_divergence").asDouble()).isPositive();
        assertThat(read.at("/edits/0").asString()).isEqualTo("Scale of blocks.1.hook_mlp_out, positions -1: by 0.25");
    }

    @Test
    void aPatchOfEverythingBeforeTheBlocksIsTheOtherPrompt() {
        String other = "When Anna and Tom went to the store, Tom gave a drink to";
        JsonNode patched = json("--patch", "resid_pre", "--layers", "0", "--source", other, "--generate", "6");
        JsonNode plain = json("--prompt", other, "--scale", "z=1", "--generate", "6");
        assertThat(patched.at("/prompts/0/after")).isEqualTo(plain.at("/prompts/0/before"));
        assertThat(patched.at("/prompts/0/generated_after")).isEqualTo(plain.at("/prompts/0/generated_before"));
        assertThat(patched.at("/prompts/0/generated_before")).isNotEqualTo(plain.at("/prompts/0/generated_before"));
        assertThat(plain.at("/prompts/0/kl_divergence").asDouble()).isZero();
        assertThat(plain.at("/prompts/0/generated_after")).isEqualTo(plain.at("/prompts/0/generated_before"));
    }

    @Test
    void anEditThatNoTextReachesIsTold() {
        String never = "hyaline: warning: Zero of blocks.*.attn.hook_z, positions 50 never acted: the last position";
        Outcome told = Outcome.of("generate --zero z --positions 50".split(" "));
        assertThat(told.exitCode()).isZero();
        assertThat(told.err()).startsWith(never).hasLineCount(1);
        Outcome.of("generate --zero z --positions -1,15-50 -n 2".split(" ")).succeeded();
    }

    @Test
    void whatIsGeneratedCanBeDrawn() {
        String[] drawn = {"--zero", "z", "--layers", "2", "--generate", "8", "--temperature", "1.5", "--seed", "3"};
        JsonNode report = json(drawn);
        JsonNode generated = Outcome.of(
                        "generate -n 8 --temperature 1.5 --seed 3 --zero z --layers 2 --json".split(" "))
                .json();
        assertThat(json(drawn)).isEqualTo(report);
        assertThat(Outcome.strings(generated.at("/interventions"))).containsExactly("Zero of blocks.2.attn.hook_z");
        assertThat(report.at("/prompts/0/generated_after")).isEqualTo(generated.at("/prompts/0/tokens"));
        JsonNode plain = Outcome.of("generate -n 8 --temperature 1.5 --seed 3 --json".split(" "))
                .json();
        assertThat(report.at("/prompts/0/generated_before")).isEqualTo(plain.at("/prompts/0/tokens"));
        assertThat(plain.has("interventions")).isFalse();
        String streamed = Outcome.of("generate -n 8 --temperature 1.5 --seed 3 --zero z --layers 2".split(" "))
                .succeeded()
                .out();
        assertThat(streamed)
                .startsWith("Zero of blocks.2.attn.hook_z")
                .contains(BUILT_IN + generated.at("/prompts/0/text").asString());
    }

    @Test
    void valuesComeFromADump() {
        String dump = temporary.resolve("dump").toString();
        Outcome.of("dump", "--sites", "all,resid_pre", "--out", dump).succeeded();
        JsonNode self = json("--patch", "pattern", "--source-dump", dump);
        assertThat(self.at("/prompts/0/after")).isEqualTo(self.at("/prompts/0/before"));
        JsonNode mean = json("--mean", "z", "--layers", "2,3", "--source-dump", dump);
        assertThat(mean.at("/prompts/0/kl_divergence").asDouble()).isPositive();
        JsonNode steered = json(
                "--add",
                "blocks.2.hook_resid_pre=" + dump + "/activations.safetensors:blocks.2.hook_resid_pre:3",
                "--coefficient",
                "2.5");
        assertThat(steered.at("/prompts/0/kl_divergence").asDouble()).isPositive();
    }

    @Test
    void eachPromptIsEditedByItself() {
        JsonNode both =
                json("--prompt", "The dog likes", "--prompt", "Anna went to the", "--zero", "attn_out", "--top", "3");
        JsonNode second = json("--prompt", "Anna went to the", "--zero", "attn_out", "--top", "3");
        assertThat(both.at("/prompts")).hasSize(2);
        assertThat(both.at("/prompts/1/after"))
                .isEqualTo(second.at("/prompts/0/after"))
                .hasSize(3);
    }

    @Test
    void globsNameSites() {
        JsonNode glob = json("--scale", "blocks.[1-2].hook_*_out=0.5", "--positions", "last");
        assertThat(glob.at("/edits").valueStream().map(JsonNode::asString))
                .containsExactly(
                        "Scale of blocks.1,2.hook_attn_out, positions last: by 0.5",
                        "Scale of blocks.1,2.hook_mlp_out, positions last: by 0.5");
        JsonNode named = json("--scale", "attn_out,mlp_out=0.5", "--layers", "1-2", "--positions", "last");
        assertThat(named.at("/prompts")).isEqualTo(glob.at("/prompts"));
        assertThat(json("--zero", "blocks.*.attn.hook_z").at("/edits/0").asString())
                .isEqualTo("Zero of blocks.*.attn.hook_z");
    }

    @Test
    void valuesAreResampledAndAveraged() {
        String other = "When Anna and Tom went to the store, Tom gave a drink to";
        JsonNode one = json("--resample", "resid_pre", "--layers", "0", "--source", other);
        JsonNode patched = json("--patch", "resid_pre", "--layers", "0", "--source", other);
        assertThat(one.at("/prompts")).isEqualTo(patched.at("/prompts"));
        JsonNode drawn = json(
                "--resample", "z", "--layers", "1", "--seed", "5", "--source", other, "--source", BUILT_IN + " the");
        assertThat(drawn.at("/edits/0").asString())
                .isEqualTo("Resample of blocks.1.attn.hook_z: from one of 2 sequences, drawn with seed 5");
        // Before the second name, both sources are alike: each position's own mean is what the prompt has.
        JsonNode mean = json(
                "--mean",
                "pattern",
                "--by-position",
                "--positions",
                "0-1",
                "--source",
                BUILT_IN,
                "--source",
                BUILT_IN + " Mary");
        assertThat(mean.at("/edits/0").asString())
                .isEqualTo("Mean of blocks.*.attn.hook_pattern, positions 0-1: over the same position of 2 sequences");
        assertThat(mean.at("/prompts/0/after")).isEqualTo(mean.at("/prompts/0/before"));
    }

    @Test
    void eachPromptIsPatchedFromASourceOfItsOwn() {
        String first = "Anna went to the park";
        String second = "The dog likes the big cat";
        JsonNode both = json(
                "--prompt",
                second,
                "--prompt",
                first,
                "--patch",
                "resid_pre",
                "--layers",
                "0",
                "--positions",
                "0-5",
                "--source",
                "The cat likes the big dog",
                "--source",
                "John went to the park");
        JsonNode alone = json("--prompt", "John went to the park", "--scale", "z=1");
        assertThat(both.at("/prompts/1/after")).isEqualTo(alone.at("/prompts/0/before"));
        assertThat(both.at("/edits/0").asString()).endsWith("from the sequence of the same index of 2 sequences");
    }

    @Test
    void partsAreChosenBySubspaceAndPrompt() {
        String dump = temporary.resolve("dump").toString();
        Outcome.of("dump", "--sites", "resid_pre", "--out", dump).succeeded();
        String vector = dump + "/activations.safetensors:blocks.2.hook_resid_pre:3";
        JsonNode alongIt = json("--zero", "resid_pre", "--layers", "2", "--subspace", vector);
        JsonNode without = json("--project-out", "resid_pre=" + vector, "--layers", "2");
        assertThat(alongIt.at("/prompts/0/kl_divergence").asDouble())
                .isPositive()
                .isCloseTo(without.at("/prompts/0/kl_divergence").asDouble(), within(1e-4));
        assertThat(without.at("/edits/0").asString())
                .isEqualTo("ProjectOut of blocks.2.hook_resid_pre: a vector of 128 values (" + vector + ")");
        JsonNode one = json("--prompt", "The dog", "--prompt", "Anna went", "--zero", "z", "--sequences", "1");
        assertThat(one.at("/prompts/0/kl_divergence").asDouble()).isZero();
        assertThat(one.at("/prompts/1/kl_divergence").asDouble()).isPositive();
    }

    @Test
    void anUnnamedSourceInAFileNamesTheRemedy() throws IOException {
        Path file = temporary.resolve("edits.json");
        Files.writeString(file, """
            {"format": "hyaline-interventions/1", "interventions": [
              {"do": "patch", "site": "z", "source": "source"}]}
            """);
        assertThat(Outcome.of("edit", "--edits", file.toString()).err())
                .startsWith("hyaline: " + file + ": intervention 0, \"source\": expected a dump")
                .contains("no run has a name here (--source gives one that is called \"source\")");
    }

    /** Every word of the language in which interventions are written. */
    @Test
    void helpNamesTheWholeLanguage() {
        assertThat(Outcome.of("edit", "--help").succeeded().out())
                .contains("in_order", "site", "layers", "heads", "components", "subspace", "positions", "sequences")
                .contains("zero", "mean", "resample", "patch", "set", "add", "scale", "project_out", "swap_heads")
                .contains("noise", "factor", "value", "vector", "coefficient", "directions", "deviation", "seed")
                .contains("source", "sequence", "reference", "by_position", "file", "tensor", "row", "dump", "length");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                " | there is nothing to edit; name it with --zero",
                "--zero zz | unknown hook point zz; did you mean z?",
                "--zero z --layers 4 | there is no layer 4: layers run from 0 to 3",
                "--zero z --heads 8 | there is no head 8: heads run from 0 to 7",
                "--zero z --heads x | --heads: 'x' is not a selection",
                "--zero z --positions 15 | there is no position 15: positions run from 0 to 14",
                "--zero blocks.1.attn.hook_z --layers 2 | 'blocks.1.attn.hook_z' has no hook point in layers 2",
                "--zero resid_x* | unknown hook point resid_x*",
                "--zero z --components 1 --subspace v | --components and --subspace exclude each other",
                "--zero z --subspace v | --subspace: expected a tensor in a file",
                "--zero z --sequences 1 | there is no sequence 1: sequences run from 0 to 0",
                "--zero z --by-position | --by-position is for --mean",
                "--resample z | --resample needs a run to take values from: give its prompt with --source TEXT",
                "--resample z --source a | no sequence of the reference set has a position 14",
                "--zero resid_pre --heads 1 | has no heads to choose from",
                "--zero ln_final.scale | the interventions make what comes after the built-in prompt impossible",
                "--zero z --scale z=2 | two interventions write the same values: Zero of blocks.*.attn.hook_z and"
                        + " Scale of blocks.*.attn.hook_z; let the later act on what the earlier left (--in-order,"
                        + " \"in_order\": true in JSON), or choose places apart (--layers, --heads, --positions)",
                "--scale z | --scale: 'z' needs a site and, after =, a value",
                "--scale z=much | --scale: expected a number, found 'much'",
                "--add z=v | --add: expected a tensor in a file",
                "--add z=/nowhere.safetensors:v | cannot read /nowhere.safetensors: no such file or folder",
                "--patch z | --patch needs a run to take values from: give its prompt with --source TEXT, or a dump of"
                        + " it with --source-dump DIR",
                "--patch z --source a | the source ends before position",
                "--zero z --source a | --source and --source-dump are for --patch, --mean, --resample and --edits",
                "--zero z --coefficient 2 | --coefficient is for --add",
                "--zero z --seed 2 | --seed is for --noise and --resample",
                "--swap-heads z --heads 1 | swapping needs two heads, found 1",
                "--edits /nowhere | cannot read /nowhere: no such file or folder",
                "--zero z --compare #1 #9999 | --compare: the vocabulary runs from 0 to 1535, found 9999",
                "--zero z --compare MaryJohn Mary | tokens, not one; most words begin with a blank",
                "--zero z --top 0 | --top must be at least 1, found 0",
                "--zero z --generate -1 | --generate must be at least 0, found -1"
            })
    void whatCannotBeIsRefused(String arguments, String message) {
        Outcome outcome = Outcome.of(
                ("edit " + (arguments == null ? "" : arguments)).strip().split(" "));
        assertThat(outcome.err()).startsWith("hyaline: ").contains(message);
        assertThat(outcome.err().lines()).hasSize(1);
        assertThat(outcome.exitCode()).isEqualTo(message.startsWith("cannot read") ? 1 : 2);
        assertThat(outcome.out()).isEmpty();
    }
}
