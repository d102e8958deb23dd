package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.tools.command.HyalineCommand;
import dev.hyaline.tools.terminal.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Every file that any command writes says how it was made, and {@code redo} makes it again. */
final class WrittenFilesTest {
    /** Options that name files to read. */
    private static final Set<String> READING = Set.of(
            "--circuit",
            "--concepts",
            "--dump",
            "--edits",
            "--evaluate",
            "--finding",
            "--known",
            "--labels",
            "--pairs",
            "--prompts",
            "--scores",
            "--source-dump",
            "--text",
            "--token-file",
            "--traced");

    /** A command, its option that names what it writes, and the other options of a small run. */
    private static final String CASES = """
        ablate        | --out t     | --count 2 --layers 1 --heads 3
        ablate        | --html x.html | --count 2 --layers 1 --heads 3
        attribute     | --out t     | --count 2
        attribute     | --html x.html | --count 2 --top 3
        circuit       | --out t     | --count 2 --edges 20 --draws 0
        circuit       | --html x.html | --count 2 --edges 20 --draws 0
        convert       | --out t     | --dtype f16
        dump          | --out t     | --prompt=hello --sites resid_post --layers 1
        dump          | --out t     | --prompts texts.txt --shards --sites resid_post --layers 1
        dump          | --out t     | --prompts texts.txt --context 4 --pack --sae sae
        dump          | --out t     | --prompts texts.txt --context 4 --pack --sites resid_pre1 --format datasets
        dump          | --out t     | --prompts texts.txt --plan
        dump          | --html x.html | --prompts texts.txt --sites resid_post --layers 1 --out beside
        edit          | --html x.html | --prompt=hello --zero z --layers 1 --heads 3
        explore       | --export x.page | --prompt=hello
        generate      | --html page | --prompt=hello --max-new-tokens 3 --temperature 1
        heads         | --out t     | --draws 2 --length 4
        heads         | --html x.html | --prompt=hello
        lens          | --out t     | --prompt=hello
        lens          | --html x.html | --count 2 --top 2 --threads=1
        patch         | --out t     | --count 2 --layers 1
        patch         | --html x.html | --count 2 --layers 1
        probe         | --out t     | --count 12 --folds 2 --layers 1
        sae convert   | --out t     | --sae sae
        sae encode    | --out latents | --sae sae --prompts texts.txt
        sae encode    | --out x.safetensors | --sae sae --prompts texts.txt --format delphi --context 4 --pack
        sae evaluate  | --picture x.svg | --sae sae --prompts texts.txt
        sae evaluate  | --picture x.png | --sae sae --prompts texts.txt
        sae features  | --out t     | --sae sae --prompts texts.txt --latents 1,2
        sae features  | --html x.html | --sae sae --prompts texts.txt --latents 1,2
        sae sweep     | --out t     | --sae sae --count 2 --most 2
        sae train     | --out t     | --prompts texts.txt --steps 2 --batch 8 --latents 16 --k 2,3 --checkpoint-every 1
        superposition | --out t     | --toy --features 2 --hidden 1 --instances 1 --toy-steps 5
        train         | --out t     | --text texts.txt --n-layer 1 --n-embd 16 --n-head 2 --steps 2 --length 4
        """;

    /** Commands that have the option but write no file, or whose folder another test makes again. */
    private static final Map<String, String> OTHERS = Map.of(
            "hierarchy --out", "refused",
            "robustness --out", "refused",
            "sanity --out", "refused",
            "investigate --out", "InvestigateCommandTest");

    @TempDir
    private static Path folder;

    @BeforeAll
    static void inputs() throws IOException {
        new SaeFixture(folder).train("sae");
        Files.writeString(folder.resolve("texts.txt"), "The cat saw the dog and ran.\nThe dog did not see the cat.\n");
    }

    @Test
    void everyOptionThatNamesAFileIsKnown() {
        Set<String> writing = new TreeSet<>();
        Console console = new Console(
                InputStream.nullInputStream(),
                new PrintWriter(Writer.nullWriter()),
                new PrintWriter(Writer.nullWriter()),
                false,
                false,
                Map.of());
        collect(HyalineCommand.commandLine("", console), "", writing);
        Set<String> tested = new TreeSet<>(OTHERS.keySet());
        CASES.lines()
                .map(line -> line.split("\\|", -1))
                .forEach(parts ->
                        tested.add(parts[0].strip() + " " + parts[1].strip().split(" ", -1)[0]));
        assertThat(tested).isEqualTo(writing);
    }

    private static void collect(CommandLine command, String name, Set<String> writing) {
        for (OptionSpec option : command.getCommandSpec().options()) {
            if (Set.of("DIR", "FILE", "PATH").contains(option.paramLabel())
                    && !READING.contains(option.longestName())) {
                writing.add(name + " " + option.longestName());
            }
        }
        command.getSubcommands().forEach((word, inner) -> collect(inner, (name + " " + word).strip(), writing));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = CASES)
    void whatIsWrittenIsMadeAgain(String command, String output, String options, @TempDir Path out) throws IOException {
        String[] named = output.split(" ", -1);
        Path written = out.resolve(named[1]);
        List<String> arguments = new ArrayList<>(words(command));
        arguments.addAll(words(options.replace("beside", out.resolve("beside").toString())));
        arguments.addAll(List.of(named[0], written.toString()));
        // The page of explore tells its size beforehand.
        assertThat(Outcome.of(arguments.toArray(String[]::new)).exitCode()).isZero();
        List<Path> files = files(written);
        assertThat(files).isNotEmpty().allSatisfy(WrittenFilesTest::saysHowItWasMade);
        Path table = files.stream()
                .filter(file -> !file.toString().endsWith("png"))
                .findFirst()
                .orElse(written);
        boolean isFolder = Files.exists(written.resolve("made.json")) || options.contains("--k 2,3");
        Outcome redone = Outcome.of("redo", (isFolder ? written : table).toString());
        assertThat(redone.exitCode()).as(redone.err()).isZero();
        assertThat(redone.out())
                .startsWith("hyaline " + command)
                .contains("the same: ")
                .doesNotContain("--threads", "--html", "--picture", "--export");
        // Of a folder of another program's files, each file is enough.
        if (isFolder) {
            assertThat(Outcome.of("redo", files.getLast().toString())
                            .succeeded()
                            .out())
                    .contains("the same: ");
        }
    }

    private static List<String> words(String line) {
        return Arrays.stream(line.split(" "))
                .map(word -> Set.of("sae", "texts.txt").contains(word) && !line.startsWith(word)
                        ? folder.resolve(word).toString()
                        : word)
                .toList();
    }

    private static List<Path> files(Path written) throws IOException {
        try (Stream<Path> files = Files.walk(written)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static void saysHowItWasMade(Path file) {
        String name = file.toString();
        Path telling = name.endsWith(".csv") ? Path.of(name.replaceFirst("csv$", "json")) : file;
        assertThat((Files.exists(telling) && CommandRecord.of(telling).isPresent())
                        || Stream.of("made.json", "manifest.json", "plan.json")
                                .anyMatch(beside -> Files.exists(file.resolveSibling(beside))))
                .as(name)
                .isTrue();
    }

    @Test
    void aTrainingThatWasStoppedIsNotDoneAgain() throws IOException, InterruptedException {
        Path checkpoint = folder.resolve("stopped.training.safetensors");
        List<String> train = List.of(
                "sae",
                "train",
                "--prompts",
                folder.resolve("texts.txt").toString(),
                "--steps",
                "9999999",
                "--batch",
                "8",
                "--latents",
                "16",
                "--k",
                "2",
                "--checkpoint-every",
                "1",
                "--out",
                folder.resolve("stopped").toString());
        Process process = Outcome.start(folder, "C", train.toArray(String[]::new));
        while (process.isAlive() && !Files.exists(checkpoint)) {
            Thread.sleep(5);
        }
        process.destroyForcibly().waitFor();
        assertThat(CommandRecord.of(checkpoint))
                .hasValueSatisfying(record ->
                        assertThat(record.command()).startsWith("sae", "train").doesNotContain("--out"));
        Outcome outcome = Outcome.of("redo", checkpoint.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains(
                        "a training that was stopped; hyaline sae train",
                        "--k 2 --out " + folder.resolve("stopped") + " --resume ends it, and redo")
                .hasLineCount(1);
    }

    @Test
    void ofSeveralTrainingsTheFolderIsLeftToTheReader(@TempDir Path out) throws IOException {
        CommandRecord record =
                new CommandRecord("x", List.of("sae", "train", "--k", "2,3", "--steps=9"), null, null, List.of());
        Path checkpoint = Files.write(
                out.resolve("sae.k2.training.safetensors"),
                SafetensorsLayout.of(List.of(), record.metadata()).head());
        Outcome outcome = Outcome.of("redo", checkpoint.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("hyaline sae train --k 2,3 --steps=9, ends it with its --out and --resume")
                .hasLineCount(1);
    }

    @Test
    void oneOfSeveralFoldersIsFoundByItsName(@TempDir Path out) throws IOException {
        Outcome.of(("sae train --texts 2 --steps 2 --batch 8 --latents 16 --k 2,3 --out " + out.resolve("all"))
                        .split(" "))
                .succeeded();
        Path one = out.resolve("all/k2");
        assertThat(Outcome.of("redo", one + "/../k2/.").succeeded().out()).contains("the same: k2/cfg.json");
        Path moved = Files.move(one, out.resolve("best"));
        Outcome outcome = Outcome.of("redo", moved.toString());
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.out().replace("\n", " "))
                .contains("best is not the name of a folder that the command writes: k2, k3");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--prompts -", "--prompts=-", "--prompts=/dev/fd/63"})
    void whatCameThroughAPipeIsToldInOneSentence(String given) throws IOException {
        Path table = folder.resolve("piped.json");
        String words = String.join("\", \"", given.split(" "));
        Files.writeString(
                table,
                "{\"made\": {\"tool\": \"x\", \"command\": [\"heads\", \"" + words + "\"], \"model_files\": []}}");
        Outcome outcome = Outcome.of("redo", table.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("came through a pipe").hasLineCount(1);
    }

    @Test
    void aSourceThatWasMovedIsNamed(@TempDir Path out) throws IOException {
        Path texts = Files.writeString(out.resolve("texts"), "The cat saw the dog.\n");
        String file = out.resolve("x.safetensors").toString();
        Outcome.of(
                        "sae",
                        "encode",
                        "--sae",
                        folder.resolve("sae").toString(),
                        "--prompts",
                        texts.toString(),
                        "--out",
                        file)
                .succeeded();
        Files.delete(texts);
        Outcome outcome = Outcome.of("redo", file);
        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.err()).contains(texts.toString()).hasLineCount(1);
    }

    @Test
    void whereAFileDiffersIsTold(@TempDir Path out) throws IOException {
        String file = out.resolve("x.safetensors").toString();
        Outcome.of("sae", "encode", "--sae", folder.resolve("sae").toString(), "--prompt", "hello", "--out", file)
                .succeeded();
        byte[] bytes = Files.readAllBytes(Path.of(file));
        bytes[bytes.length - 1] ^= 1;
        Files.write(Path.of(file), bytes);
        Outcome outcome = Outcome.of("redo", file);
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.out().replace("\n", " ")).containsPattern("differs in tensor \\w+, value \\d+");
    }
}
