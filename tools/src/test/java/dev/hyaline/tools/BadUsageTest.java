package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PromptInput;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.weights.Checkpoint;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be done is refused with one sentence and the right exit code, before anything is written. */
final class BadUsageTest {
    @TempDir
    private Path temporary;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`` | a command is missing",
                "bogus | there is no command 'bogus'",
                "dum | Did you mean: hyaline dump?",
                "--bogus | Unknown option: '--bogus'",
                "dump --promt x | Possible solutions: --prompt, --prompts",
                "dump extra | the argument 'extra' belongs to no option",
                "dump --prompt | Missing required parameter for option '--prompt'",
                "dump --json --json | should be specified only once",
                "dump --sites resid_pst | did you mean resid_post",
                "dump --sites nonsense | unknown hook point nonsense; hyaline sites lists them",
                "dump --sites z, | a hook point's name is missing",
                "dump --sites blocks.*.foo | unknown hook point blocks.*.foo",
                "dump --sites blocks.4.attn.hook_z | there is no layer 4: layers run from 0 to 3",
                "dump --sites [b-a] | is not a glob",
                "dump --layers 4 | there is no layer 4: layers run from 0 to 3",
                "dump --layers -5 | there is no layer -5",
                "dump --layers x | --layers: 'x' is not a selection",
                "dump --layers 3-1 | runs backwards",
                "dump --layers 0 --sites embed*,z1 | has no hook point in layers 0",
                "dump --positions 15 | there is no position 15: positions run from 0 to 14",
                "dump --layers 99999999999 | --layers: the index 99999999999 is out of range",
                "dump --out= | --out needs a name",
                "info --model= | --model needs a name",
                "dump --positions 1.5 | --positions: '1.5' is not a selection",
                "dump --positions 20-30 | '20-30' chooses no position",
                "dump --gradients loss | --gradients: expected logit-diff,",
                "dump --gradients kl | gradient zero on that very run",
                "dump --gradients accuracy | the metric accuracy has no gradient",
                "dump --gradients log-prob --prompt hi | needs --answer, the right next token",
                "dump --gradients logit-diff --prompt hi --answer Mary | needs a distractor",
                "dump --gradients logit --prompt hi --answer Mary --answer John | one for each of 1, found 2",
                "dump --gradients logit --shards | --gradients excludes the options that ask for them",
                "dump --answer Mary | for --gradients METRIC, which is missing",
                "dump --heads 8 | there is no head 8: heads run from 0 to 7",
                "dump --heads x | --heads: 'x' is not a selection",
                "dump --neurons 512 | there is no neuron 512",
                "dump --sequences 1 | there is no sequence 1: sequences run from 0 to 0",
                "dump --sites resid_post --heads 1 | no hook point asked for has heads",
                "dump --sites z --neurons 1 | no hook point asked for has neurons",
                "dump --roles IO | --roles: the built-in prompt does not say where IO stands",
                "dump --shards --roles IO | --roles goes with one file of prompts",
                "dump --every 2 --sequences 0 | --sequences goes with one file of prompts; leave out --shards",
                "dump --format zip | expected safetensors, npz, datasets or delphi, found 'zip'",
                "dump --dtype f64 | expected f32, f16 or bf16, found 'f64'",
                "dump --dtype i64 | expected f32, f16 or bf16, found 'i64'",
                "dump --format npz --dtype bf16 | npz cannot hold bf16",
                "dump --shard-size many | --shard-size must be a size such as 800kB, 500MB or 2GB, found 'many'",
                "dump --shard-size 0 | --shard-size must be at least one byte",
                "dump --shard-size -1GB | --shard-size must be a size",
                "dump --every 0 | --every must be at least 1, found 0",
                "dump --batch-tokens 0 | --batch-tokens must be at least 1, found 0",
                "dump --long maybe | expected error, split or truncate, found 'maybe'",
                "dump --no-shards --every 2 | --no-shards excludes the options that are for shards",
                "dump --no-shards --skip-bos | --no-shards excludes",
                "dump --no-shards --long split | with --no-shards it can only be cut off: --long truncate",
                "dump --long truncate --format npz | shards are safetensors files; --format npz goes with --no-shards",
                "dump --long truncate --zero z | go with one file (--no-shards)",
                "patch --top 0 | --top must be at least 1, found 0",
                "heads --top -3 | --top must be at least 1, found -3",
                "circuit --top x | expected a whole number below 2^31, found 'x'",
                "lens --prompt hi --top 3 | --top is for the table of a metric; leave out --prompt",
                "sanity ablate --top 3 | --top",
                "ablate --process everything | --process",
                "heads --process fold | --process",
                "generate --process fold | --process",
                "attribute --raw --process all | --raw leaves the weights as they are, and --process names steps",
                "edit --zero z --compare Vicky Mary | tokens, not one; most words begin with a blank",
                "dump --out /dev/null/x | --out: cannot write /dev/null/x: /dev/null is not a folder",
                "convert --out /dev/null/x | --out: cannot write /dev/null/x: /dev/null is not a folder",
                "lens --out /dev/null | --out: cannot write /dev/null: /dev/null is not a folder",
                "lens --prompt x --out /proc/foo | --out: cannot write /proc/foo: /",
                "lens --html /proc/x.html | --html: cannot write /proc/x.html: /",
                "patch --out /proc/a/b | --out: cannot write /proc/a/b: /",
                "explore --export /proc/x.html | --export: cannot write /proc/x.html: /",
                "dump --out /proc/foo | --out: cannot write /proc/foo: /",
                "investigate --example induction --out /proc/foo | are for a study that is run",
                "dump --resume --force | --resume and --force exclude each other",
                "dump --shards --format npz | shards are safetensors files; --format npz goes with --no-shards",
                "dump --shards --sites pattern0 | blocks.0.attn.hook_pattern cannot go to shards: it has a value for"
                        + " every",
                "dump --shards --sites all | cannot go to shards",
                "dump --shards --tokens 1536 | --tokens holds token 1536",
                "dump --shards --tokens 1535 --skip-bos | no token of the corpus passes the filters",
                "dump --tokens 1,x | 'x' is not a token id",
                "dump --tokens -1 | '-1' is not a token id",
                "dump --tokens 1,,2 | '' is not a token id",
                "dump --tokens 1536 | --tokens holds token 1536, but the vocabulary runs from 0 to 1535",
                "dump --tokens 99999999999 | is not a token id",
                "dump --tokens [] | --tokens is empty",
                "dump --no-bos --prompt= | --prompt is empty",
                "dump --no-bos --prompt=a --prompt= | --prompt 1 is empty",
                "dump --threads 0 | --threads must be at least 1, found 0",
                "dump --threads many | expected a whole number below 2^31, found 'many'",
                "dump --process fold_ln,fold | --process: no step of weight processing is called 'fold'",
                "dump --device tpu | a device must be gpu or the number of one, found 'tpu'",
                "generate --device 0 --threads 1 | --threads is for --device cpu; leave it out",
                "info --threads 1025 | --threads must be at most 1024, found 1025",
                "sites --length 0 | --length must be at least 1, found 0",
                "sites --length 129 | --length must be from 1 to the model's 128 positions, found 129",
                "sites --length 129 | found 129",
                "sites --batch 2000000000 --length 99999999999 | expected a whole number below 2^31",
                "sites --batch 0 | --batch must be at least 1",
                "sites --sites zz | unknown hook point zz",
                "generate --temperature -1 | --temperature must be a finite number of at least 0, found -1",
                "generate --temperature hot | expected a number, found 'hot'",
                "generate --seed 99999999999999999999 | expected a whole number from -2^63 to 2^63 - 1, found",
                "generate --temperature NaN | --temperature must be a finite number of at least 0",
                "generate --top-k -1 | --top-k must be at least 0",
                "generate --top-p 0 | --top-p must be above 0 and at most 1",
                "generate --top-p 1.5 | --top-p must be above 0 and at most 1",
                "generate --temperature 0 --seed 1 | --temperature 0 always takes the likeliest token",
                "generate --max-new-tokens -1 | --max-new-tokens must be at least 0",
                "generate --tokens 1536 | the vocabulary runs from 0 to 1535",
                "tokens --decode 1536 | the vocabulary runs from 0 to 1535",
                "tokens --decode one | 'one' is not a token id",
                "info --sites z | Unknown option",
                "explore --host 0.0.0.0 | --host is not taken: the page is for this machine alone. From another"
                        + " machine, use a tunnel: ssh -L 8123:127.0.0.1:8123 THIS-MACHINE",
                "explore --host=:: --port 99 | ssh -L 99:127.0.0.1:99 THIS-MACHINE, and here hyaline explore --port 99",
                "explore --port 65536 | --port must be from 0 to 65535, found 65536",
                "explore --port -1 | --port must be from 0 to 65535, found -1",
                "explore --port many | expected a whole number below 2^31, found 'many'",
            })
    void isOneSentenceAndExitCode2(String arguments, String message) {
        String[] words = arguments.isEmpty() ? new String[0] : arguments.split(" ");
        Outcome outcome = Outcome.of(words);
        assertThat(outcome.err()).startsWith("hyaline: ").contains(message).doesNotContain("\tat ", "Exception");
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.exitCode()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"text\": 1} | \"text\" must be a string",
                "{\"tokens\": 1} | \"tokens\" must be a list of token ids",
                "{\"tokens\": [1.5]} | \"tokens\" must be a list of token ids",
                "{\"tokens\": [1, \"2\"]} | \"tokens\" must be a list of token ids",
                "{\"tokens\": [[1]]} | \"tokens\" must be a list of token ids",
                "{\"tokens\": [99999999999]} | Numeric value (99999999999) out of range",
                "{\"tokens\": [1, 1536]} | the vocabulary runs from 0 to 1535",
                "{\"tokens\": [-1]} | the vocabulary runs from 0 to 1535",
                "{\"tokens\": []} | is empty",
                "{\"text\": \"a\", \"tokens\": [1]} | exclude each other",
                "{\"text\": \"a\", \"text\": \"b\"} | expected JSON, found the key \"text\" for the second time",
                "{\"txt\": \"a\"} | expected a string, or an object with \"text\" or \"tokens\"",
                "{} | expected a string, or an object",
                "42 | expected a string, or an object",
                "null | expected a string, or an object",
                "[\"a\"] | expected a string, or an object",
                "{\"text\": \"a\" | expected JSON, found",
                "{\"text\": \"a\"} {} | more follows",
                "nonsense | expected JSON, found",
                "\"\\ud800\" | half a surrogate pair",
            })
    void aBadLineIsNamed(String line, String message) throws IOException {
        Path file = temporary.resolve("prompts.jsonl");
        Files.writeString(file, "{\"text\": \"good\", \"extra\": {\"a\": [1]}}\n\n" + line + "\n");
        Outcome outcome = Outcome.of(
                "dump",
                "--prompts",
                file.toString(),
                "--out",
                temporary.resolve("out").toString());
        assertThat(outcome.err())
                .startsWith("hyaline: " + file + ":3")
                .contains(message)
                .doesNotContain("Source", "REDACTED");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(temporary.resolve("out")).doesNotExist();
    }

    @Test
    void filesOfPromptsMustHoldSome() throws IOException {
        Path file = temporary.resolve("prompts.txt");
        Files.writeString(file, "\n  \r\n");
        assertThat(Outcome.of("dump", "--prompts", file.toString()))
                .isEqualTo(new Outcome(2, "", "hyaline: " + file + " holds no prompt" + System.lineSeparator()));
        Files.write(file, new byte[] {'a', '\n', 'b', (byte) 0xFF, '\n'});
        assertThat(Outcome.of("dump", "--prompts", file.toString()).err())
                .contains(file + ":2: this is not UTF-8 text");
        assertThat(Outcome.reading("", "generate", "--prompts", "-").err()).contains("standard input holds no prompt");
        Outcome broken = Outcome.reading(new ByteArrayInputStream(new byte[] {(byte) 0xC3}), false, "tokens", "-");
        assertThat(broken.err()).contains("cannot read standard input: it is not UTF-8 text");
    }

    @Test
    void aPromptTooLongIsNamedWithItsLength() throws IOException {
        Path file = temporary.resolve("prompts.txt");
        Files.writeString(file, "short\n" + "word ".repeat(200) + "\n");
        Outcome outcome = Outcome.of("dump", "--prompts", file.toString());
        assertThat(outcome.err())
                .startsWith("hyaline: " + file + ":2 has ")
                .contains("but the model has 128 positions");
        assertThat(outcome.exitCode()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "dump --model missing-folder | found nothing there",
                "info --model missing-folder | expected a built-in model (fable), a folder or file, gpt2,",
                "info --model a/missing/folder | found nothing there",
                "info --model missing.safetensors | found nothing there",
                "info --model gpt2 | openai-community/gpt2 is not in the cache",
                "info --model ann/tiny@v1 | ann/tiny@v1 is not in the cache",
                "info --model ann/tiny | (and there is no file or folder ann/tiny)",
                "dump --prompts missing.txt | cannot read missing.txt: no such file or folder",
                "dump --prompts missing/corpus/ | cannot read missing/corpus: no such file or folder",
            })
    void whatCannotBeReadOrWrittenIsExitCode1(String arguments, String message) {
        Outcome outcome = Outcome.of(arguments.split(" "));
        assertThat(outcome.err()).startsWith("hyaline: ").contains(message).doesNotContain("\tat ");
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.exitCode()).isEqualTo(1);
    }

    @Test
    void aBrokenCheckpointIsExitCode1() throws IOException {
        Files.writeString(temporary.resolve("config.json"), "{\"model_type\": \"gpt2\"");
        Outcome outcome = Outcome.of("info", "--model", temporary.toString());
        assertThat(outcome.err()).contains("config.json").hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(1);
    }

    @Test
    void showsWhereOnlyWhenAsked() {
        Outcome outcome = Outcome.of("dump", "--sites", "nonsense", "--stacktrace");
        assertThat(outcome.err())
                .startsWith("hyaline: unknown hook point nonsense")
                .contains("UnknownHookPointException", "\tat dev.hyaline.instrument.HookPoints");
        assertThat(Outcome.of("dump", "--bogus", "--stacktrace").err()).contains("\tat picocli");
    }

    @Test
    void aFailureNobodyForesawIsOneSentenceToo() {
        Outcome outcome = readingFrom(() -> {
            throw new IllegalStateException("surprise");
        });
        assertThat(outcome.err())
                .startsWith("hyaline: unexpected failure")
                .contains("surprise")
                .hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(1);
    }

    @Test
    void anEndOfTextTokenTheModelLacksIsToldFromThePrompt() {
        Gpt2Config small = new Gpt2Config(1, 1, 4, 16, 8, 1535, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
        List<PromptInput> inputs = List.of(new PromptInput.OfText("--prompt", "Mary"));
        PromptOptions options = new PromptOptions();
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable")) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            assertThatThrownBy(() -> options.encode(inputs, small, vocabulary))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("the token put before a text, 1535,")
                    .hasMessageContaining("--no-bos");
            options.noBos = true;
            assertThat(options.encode(inputs, small, vocabulary).size()).isOne();
        }
    }

    @ParameterizedTest
    @CsvSource({"dump --device gpu", "generate --device 0", "info --device gpu"})
    void withoutTornadoVmDevicesAreOneSentence(String line) {
        Outcome outcome = Outcome.of(line.split(" "));
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err())
                .startsWith("hyaline: running on a device needs TornadoVM")
                .contains("TORNADOVM_HOME")
                .hasLineCount(1);
    }

    @Test
    void withoutTornadoVmDevicesAreTheProcessors() {
        assertThat(Outcome.of("devices").succeeded().out())
                .contains("processor", "no GPU", "TORNADOVM_HOME")
                .hasLineCount(2);
        assertThat(Outcome.of("devices", "--json").succeeded().json().get("devices"))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sae info --sae nope",
                "dump --prompts nope",
                "patch --pairs nope",
                "edit --edits nope",
                "dump --model ./nope",
                "robustness ablate --finding nope"
            })
    void whatIsMissingFails(String line) {
        Outcome outcome = Outcome.of(line.split(" "));
        assertThat(outcome.err()).contains("nope").hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(1);
    }

    @Test
    void aBadOptionComesBeforeAnExistingDump() throws IOException {
        Files.createFile(temporary.resolve("manifest.json"));
        Outcome outcome = Outcome.of("dump", "--threads", "0", "--out", temporary.toString());
        assertThat(outcome.err()).startsWith("hyaline: --threads must be at least 1");
        assertThat(outcome.exitCode()).isEqualTo(2);
    }

    @Test
    void tooManyThreadsAreNoMatterOfTheHeap() {
        Outcome outcome = readingFrom(() -> {
            throw new OutOfMemoryError("unable to create native thread: possibly out of memory");
        });
        assertThat(outcome.err()).contains("--threads").doesNotContain("-Xmx").hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(1);
    }

    @Test
    void tooLittleMemoryComesWithARemedy() {
        Outcome outcome = readingFrom(() -> {
            throw new OutOfMemoryError("Java heap space");
        });
        assertThat(outcome.err()).contains("not enough memory", "-Xmx").hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(1);
    }

    /** Runs a command whose standard input fails. */
    private static Outcome readingFrom(Runnable failure) {
        InputStream input = new InputStream() {
            @Override
            public int read() {
                failure.run();
                return -1;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) {
                return read();
            }
        };
        return Outcome.reading(input, false, "tokens", "-");
    }

    @Test
    void standardInputNamesItsLines() {
        Outcome outcome = Outcome.reading("{\"text\": \"a\"}\n{\"text\": 5}\n", "generate", "--prompts", "-");
        assertThat(outcome.err()).startsWith("hyaline: standard input:2: ");
    }
}
