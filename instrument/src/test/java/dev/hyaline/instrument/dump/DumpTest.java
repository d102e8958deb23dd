package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.TensorFiles;
import dev.hyaline.instrument.TensorFiles.Tensor;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.CaptureListener;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

public final class DumpTest {
    private static final Capture ALL = Capture.of(HookPoint.all(Models.CONFIG));
    private static final CaptureListener NOBODY = (point, sequence, values, offset, length) -> {};

    @TempDir
    private Path temporary;

    public static Provenance provenance() {
        return new Provenance(
                "hyaline test",
                List.of("hyaline", "dump"),
                "small",
                List.of(new Provenance.ModelFile("model.safetensors", 5, "ab")),
                60,
                token -> "<" + token + ">\n");
    }

    private static Dump.DumpSummary write(Dump dump, Path folder, boolean overwrite) {
        try (Gpt2 model = Models.small();
                DumpFolder opened = DumpFolder.open(folder, overwrite ? IfExists.REPLACE : IfExists.REFUSE)) {
            return dump.write(model, opened, DumpTest::provenance, NOBODY);
        }
    }

    private static Dump dump(Prompts prompts, Capture capture, ElementType type, DumpFormat format) {
        return Dump.of(Models.CONFIG, prompts, capture, type, format);
    }

    static Stream<Arguments> formatsTypesAndLengths() {
        return Stream.of(DumpFormat.values())
                .flatMap(format -> Stream.of(ElementType.F32, ElementType.F16, ElementType.BF16)
                        .filter(format::holds)
                        .flatMap(type -> Stream.of(new int[] {5}, new int[] {4, 4, 4}, new int[] {6, 1, 9})
                                .map(lengths -> Arguments.of(format, type, lengths))));
    }

    @ParameterizedTest
    @MethodSource("formatsTypesAndLengths")
    void filesHoldWhatWasRecorded(DumpFormat format, ElementType type, int[] lengths) throws IOException {
        Prompts prompts = Models.prompts(lengths);
        for (String positions : List.of("all", "0,last")) {
            Capture capture = ALL.positions(IndexSelection.parse(positions));
            Dump dump = dump(prompts, capture, type, format);
            Path folder = temporary.resolve(positions);
            Dump.DumpSummary written = write(dump, folder, false);
            assertThat(written.activations()).hasSize(dump.fileBytes()).isEqualTo(folder.resolve(format.fileName()));
            assertThat(written.bytes()).isEqualTo(dump.fileBytes());

            Map<String, Tensor> tensors = TensorFiles.read(written.activations());
            assertThat(tensors.keySet())
                    .containsExactlyInAnyOrderElementsOf(
                            dump.plan().tensors().stream().map(TensorInfo::name).toList());
            for (TensorInfo info : dump.plan().tensors()) {
                Tensor tensor = tensors.get(info.name());
                assertThat(tensor.type()).isEqualTo(info.type().name());
                assertThat(tensor.shape().stream().map(Integer::longValue)).isEqualTo(info.shape());
            }
            assertRows(tensors, prompts, capture);
            try (Gpt2 model = Models.small()) {
                assertValues(tensors, ActivationCache.record(model, prompts, capture), dump.plan(), type);
            }
        }
    }

    @Test
    void headsNeuronsRolesAndSequencesAreChosen() throws IOException {
        Prompts prompts = Models.prompts(6, 4, 6).role("subject", 1, 2, -2).role("end", -1, -1, -1);
        Capture capture = ALL.heads(0, -1)
                .neurons(IndexSelection.parse("3-4,9"))
                .roles("subject", "end")
                .sequences(0, 2);
        Dump dump = dump(prompts, capture, ElementType.F32, DumpFormat.SAFETENSORS);
        Dump.DumpSummary written = write(dump, temporary, false);
        Map<String, Tensor> tensors = TensorFiles.read(written.activations());
        assertThat(tensors.get("blocks.0.attn.hook_z").shape()).containsExactly(2, 2, 2, 5);
        assertThat(tensors.get("blocks.0.attn.hook_pattern").shape()).containsExactly(2, 2, 2, 6);
        assertThat(tensors.get("blocks.2.mlp.hook_post").shape()).containsExactly(2, 2, 3);
        assertThat(tensors.get("positions").integers()).containsExactly(1, 5, 4, 5);
        assertRows(tensors, dump.prompts(), dump.capture());
        try (Gpt2 model = Models.small()) {
            assertValues(
                    tensors, ActivationCache.record(model, dump.prompts(), dump.capture()), dump.plan(), dump.type());
            Map<HookPoint, float[]> last = Models.everything(model, prompts.tokens(2));
            float[] z = last.get(HookPoint.of(Site.Z, 1)); // [6, 4, 5]
            float[] row = Arrays.copyOfRange(tensors.get("blocks.1.attn.hook_z").floats(), 20, 30);
            assertThat(row).startsWith(Arrays.copyOfRange(z, 80, 85)).endsWith(Arrays.copyOfRange(z, 95, 100));
        }

        JsonNode manifest = JsonMapper.shared().readTree(written.manifest());
        assertThat(manifest.at("/capture/heads").asString()).isEqualTo("0,-1");
        assertThat(manifest.at("/capture/neurons").asString()).isEqualTo("3-4,9");
        assertThat(manifest.at("/capture/sequences").asString()).isEqualTo("0,2");
        assertThat(manifest.at("/capture/roles/1").asString()).isEqualTo("end");
        assertThat(manifest.at("/prompts")).hasSize(2);
        assertThat(manifest.at("/prompts/1/source").asString()).isEqualTo("prompt 2");
        assertThat(manifest.at("/prompts/1/positions/subject").asInt()).isEqualTo(4);
        assertThatThrownBy(() -> DumpReader.open(temporary))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("holds only heads 0,-1 and neurons 3-4,9, but interventions");
    }

    @Test
    void rolesThatMeetMakeRowsOfUnequalNumber() throws IOException {
        Prompts prompts = Models.prompts(5, 5).role("subject", 2, 4).role("end", 4, 4);
        Dump dump = dump(prompts, ALL.roles("subject", "end"), ElementType.F32, DumpFormat.NPZ);
        assertThat(dump.plan().isBatch()).isFalse();
        Map<String, Tensor> tensors =
                TensorFiles.read(write(dump, temporary, false).activations());
        assertThat(tensors.get("offsets").integers()).containsExactly(0, 2, 3);
        assertRows(tensors, prompts, dump.capture());
        try (Gpt2 model = Models.small()) {
            assertValues(tensors, ActivationCache.record(model, prompts, dump.capture()), dump.plan(), dump.type());
        }
    }

    @Test
    void aChoiceThatIsNotThereIsNamed() {
        Prompts prompts = Models.prompts(3, 3);
        Capture residuals = Capture.of(Models.CONFIG, "resid_post");
        record Bad(Capture capture, String message) {}
        for (Bad bad : List.of(
                new Bad(ALL.heads(4), "there is no head 4: heads run from 0 to 3"),
                new Bad(ALL.neurons(28), "there is no neuron 28"),
                new Bad(ALL.sequences(2), "there is no sequence 2: sequences run from 0 to 1"),
                new Bad(ALL.roles("IO"), "the prompts have no role IO"),
                new Bad(residuals.heads(0), "heads 0 are chosen, but no hook point asked for has heads"),
                new Bad(residuals.neurons(0), "neurons 0 are chosen, but no hook point asked for has neurons"))) {
            assertThatThrownBy(() -> dump(prompts, bad.capture, ElementType.F32, DumpFormat.NPZ))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining(bad.message);
        }
    }

    @Test
    void attentionMapsThatNoArrayHoldsAreRefusedBeforeARun() {
        Gpt2Config config =
                new Gpt2Config(1, 4, 4, 4, 30_000, 10, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
        Prompts longest = Prompts.of(config, new int[23_170]);
        Capture one = Capture.of(config, "pattern").heads(0);
        assertThat(Dump.of(config, longest, one.positions(IndexSelection.of(-1)))
                        .fileBytes())
                .isPositive();
        Prompts longer = Prompts.of(config, new int[23_171]);
        assertThatThrownBy(() -> Dump.of(config, longer, one.positions(IndexSelection.of(-1))))
                .isInstanceOf(BadInputException.class)
                .hasMessage("prompt 0: the attention maps of 4 heads and 23171 tokens exceed 2^31 values; run a shorter"
                        + " prompt, or record no attention maps");
    }

    private static void assertRows(Map<String, Tensor> tensors, Prompts prompts, Capture capture) {
        IntStream.Builder tokens = IntStream.builder();
        IntStream.Builder positions = IntStream.builder();
        IntStream.Builder offsets = IntStream.builder().add(0);
        int rows = 0;
        for (int s = 0; s < prompts.size(); s++) {
            for (int position : capture.positions(prompts, s)) {
                positions.add(position);
                tokens.add(prompts.token(s, position));
                rows++;
            }
            offsets.add(rows);
        }
        assertThat(tensors.get("tokens").integers())
                .containsExactly(tokens.build().asLongStream().toArray());
        assertThat(tensors.get("positions").integers())
                .containsExactly(positions.build().asLongStream().toArray());
        if (tensors.containsKey("offsets")) {
            assertThat(tensors.get("offsets").integers())
                    .containsExactly(offsets.build().asLongStream().toArray());
        }
    }

    private static void assertValues(
            Map<String, Tensor> tensors, ActivationCache cache, TensorPlan plan, ElementType type) {
        for (HookPoint point : cache.points()) {
            float[][] sequences = new float[cache.sequences()][];
            Arrays.setAll(sequences, s -> rounded(cache.values(point, s), type));
            if (!plan.isBatch() && point.site().shape() == Site.Shape.ATTENTION) {
                for (int s = 0; s < sequences.length; s++) {
                    assertThat(tensors.get(point.name() + "." + s).floats()).isEqualTo(sequences[s]);
                }
            } else {
                float[] joined = new float
                        [Arrays.stream(sequences)
                                .mapToInt(values -> values.length)
                                .sum()];
                int at = 0;
                for (float[] values : sequences) {
                    System.arraycopy(values, 0, joined, at, values.length);
                    at += values.length;
                }
                assertThat(tensors.get(point.name()).floats()).as(point.name()).isEqualTo(joined);
            }
        }
    }

    private static float[] rounded(float[] values, ElementType type) {
        float[] rounded = values.clone();
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = switch (type) {
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(rounded[i]));
                case BF16 -> FloatCodec.rounded(Dtype.BF16, rounded[i]);
                default -> rounded[i];
            };
        }
        return rounded;
    }

    @Test
    void manifestSaysHowToMakeItAgain() throws Exception {
        Prompts prompts = Models.prompts(3, 2);
        Capture capture = Capture.of(Models.CONFIG, "z", "embed").positions(IndexSelection.parse("-1"));
        Dump.DumpSummary written =
                write(dump(prompts, capture, ElementType.F16, DumpFormat.NPZ), temporary.resolve("out"), false);
        JsonNode manifest = JsonMapper.shared().readTree(written.manifest());

        assertThat(manifest.get("format").asString()).isEqualTo("hyaline-dump/1");
        assertThat(manifest.get("tool").asString()).isEqualTo("hyaline test");
        assertThat(manifest.at("/model/name").asString()).isEqualTo("small");
        assertThat(manifest.at("/model/files/0/sha256").asString()).isEqualTo("ab");
        assertThat(manifest.at("/model/config/n_layer").asInt()).isEqualTo(3);
        assertThat(manifest.at("/model/config/n_inner").asInt()).isEqualTo(28);
        assertThat(manifest.at("/model/config/layer_norm_epsilon").asDouble()).isEqualTo(1e-5);
        assertThat(manifest.at("/model/config/activation_function").asString()).isEqualTo("gelu_new");
        assertThat(manifest.at("/model/config/scale_attn_weights").asBoolean()).isTrue();
        assertThat(manifest.get("token_prepended_to_text").asInt()).isEqualTo(60);
        assertThat(manifest.at("/prompts/1/source").asString()).isEqualTo("prompt 1");
        assertThat(manifest.at("/prompts/1/tokens/0").asInt()).isEqualTo(prompts.token(1, 0));
        assertThat(manifest.at("/prompts/1/text/0").asString()).isEqualTo("<" + prompts.token(1, 0) + ">\n");
        assertThat(manifest.at("/capture/points/0").asString()).isEqualTo("hook_embed");
        assertThat(manifest.at("/capture/points")).hasSize(4);
        assertThat(manifest.at("/capture/positions").asString()).isEqualTo("-1");
        assertThat(manifest.at("/activations/layout").asString()).isEqualTo("token-major");
        assertThat(manifest.at("/activations/dtype").asString()).isEqualTo("f16");
        assertThat(manifest.at("/activations/file").asString()).isEqualTo("activations.npz");
        assertThat(manifest.at("/activations/tensors/0/name").asString()).isEqualTo("hook_embed");
        assertThat(manifest.at("/activations/sha256").asString())
                .isEqualTo(HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256")
                                .digest(Files.readAllBytes(written.activations()))));
        assertThat(manifest.at("/environment/kernels").asString()).isNotEmpty();
        assertThat(manifest.at("/environment/threads").asInt()).isEqualTo(1);
    }

    @Test
    void twoRunsGiveTheSameBytes() throws IOException {
        for (DumpFormat format : DumpFormat.values()) {
            Dump dump = dump(Models.prompts(4, 7), ALL, ElementType.F32, format);
            Dump.DumpSummary one = write(dump, temporary.resolve("one" + format), false);
            Dump.DumpSummary two = write(dump, temporary.resolve("two" + format), false);
            assertThat(two.activations()).hasSameBinaryContentAs(one.activations());
            assertThat(two.manifest()).hasSameBinaryContentAs(one.manifest());
        }
    }

    @Test
    void masksAreNoOverflow() {
        Capture scores = Capture.of(Models.CONFIG, "attn_scores");
        Dump dump = dump(Models.prompts(3), scores, ElementType.F16, DumpFormat.NPZ);
        assertThat(write(dump, temporary, false).overflowed()).isZero();
    }

    @Test
    void refusesWhatTheFormatCannotHold() {
        Prompts prompts = Models.prompts(3);
        assertThatThrownBy(() -> dump(prompts, ALL, ElementType.BF16, DumpFormat.NPZ))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("NumPy has no such type");
        assertThatThrownBy(() -> dump(prompts, ALL, ElementType.I64, DumpFormat.NPZ))
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void anExistingDumpStaysUnlessAskedForAndOtherFilesAlways() throws IOException {
        Path folder = temporary.resolve("out");
        Files.createDirectory(folder);
        Files.writeString(folder.resolve("notes.txt"), "mine");
        Dump first = dump(Models.prompts(3), Capture.of(Models.CONFIG, "z"), ElementType.F32, DumpFormat.SAFETENSORS);
        Dump second = dump(Models.prompts(3), Capture.of(Models.CONFIG, "q"), ElementType.F32, DumpFormat.NPZ);
        write(first, folder, false);
        byte[] before = Files.readAllBytes(folder.resolve("activations.safetensors"));

        assertThatThrownBy(() -> write(second, folder, false))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("exists already");
        assertThat(folder.resolve("activations.safetensors")).hasBinaryContent(before);

        write(second, folder, true);
        assertThat(names(folder)).containsExactlyInAnyOrder("activations.npz", "manifest.json", "notes.txt");
    }

    @Test
    void aFailureLeavesWhatWasThere() throws IOException {
        Path old = temporary.resolve("old");
        Dump dump = dump(Models.prompts(3), Capture.of(Models.CONFIG, "z"), ElementType.F32, DumpFormat.SAFETENSORS);
        write(dump, old, false);
        byte[] before = Files.readAllBytes(old.resolve("manifest.json"));
        Path fresh = temporary.resolve("a/b/c");
        for (Path folder : List.of(old, fresh)) {
            assertThatThrownBy(() -> {
                        try (Gpt2 model = Models.small();
                                DumpFolder opened = DumpFolder.open(folder, IfExists.REPLACE)) {
                            dump.write(model, opened, DumpTest::provenance, (point, s, values, offset, length) -> {
                                if (point.layer() == 1) {
                                    assertThat(names(folder)).contains(".activations.safetensors.partial");
                                    throw new IllegalStateException("stop here");
                                }
                            });
                        }
                    })
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("stop here");
        }
        assertThat(names(old)).containsExactlyInAnyOrder("activations.safetensors", "manifest.json");
        assertThat(old.resolve("manifest.json")).hasBinaryContent(before);
        assertThat(temporary.resolve("a")).doesNotExist();
    }

    @Test
    void whatAKilledRunLeftIsReused() throws IOException {
        Path folder = Files.createDirectory(temporary.resolve("out"));
        Files.write(folder.resolve(".activations.npz.partial"), new byte[100_000]);
        write(dump(Models.prompts(2), Capture.of(Models.CONFIG, "z"), ElementType.F32, DumpFormat.NPZ), folder, false);
        assertThat(names(folder)).containsExactlyInAnyOrder("activations.npz", "manifest.json");
        assertThat(TensorFiles.read(folder.resolve("activations.npz"))).hasSize(5);
    }

    @Test
    void twoWritersDoNotMix() throws IOException {
        Dump dump = dump(Models.prompts(2), Capture.of(Models.CONFIG, "z"), ElementType.F32, DumpFormat.NPZ);
        try (RandomAccessFile other = new RandomAccessFile(
                        temporary.resolve(".activations.npz.partial").toFile(), "rw");
                FileLock lock = other.getChannel().lock()) {
            assertThat(lock.isValid()).isTrue();
            assertThatThrownBy(() -> write(dump, temporary, false))
                    .isInstanceOf(FileException.class)
                    .hasMessageContaining("is being written by another run");
        }
        assertThat(temporary.resolve(".activations.npz.partial")).exists();
        write(dump, temporary, false);
    }

    @Test
    void aFolderBelongsToOneRunFromTheMomentItIsOpened() throws IOException {
        Dump npz = dump(Models.prompts(2), Capture.of(Models.CONFIG, "z"), ElementType.F32, DumpFormat.NPZ);
        Dump safetensors =
                dump(Models.prompts(2), Capture.of(Models.CONFIG, "q"), ElementType.F32, DumpFormat.SAFETENSORS);
        try (Gpt2 model = Models.small();
                DumpFolder slow = DumpFolder.open(temporary, IfExists.REFUSE)) {
            assertThatThrownBy(() -> write(safetensors, temporary, false))
                    .isInstanceOf(FileException.class)
                    .hasMessageContaining("is being written by another run");
            npz.write(model, slow, DumpTest::provenance, NOBODY);
        }
        assertThat(names(temporary)).containsExactlyInAnyOrder("activations.npz", "manifest.json");
        assertThatThrownBy(() -> write(safetensors, temporary, false)).hasMessageContaining("exists already");
        assertThat(names(temporary)).containsExactlyInAnyOrder("activations.npz", "manifest.json");
    }

    @Test
    void aFolderInTheWayIsNamedAndStays() throws IOException {
        Path inTheWay = Files.createDirectory(temporary.resolve("activations.safetensors"));
        for (DumpFormat format : DumpFormat.values()) {
            Dump dump = dump(Models.prompts(2), Capture.of(Models.CONFIG, "z"), ElementType.F32, format);
            assertThatThrownBy(() -> write(dump, temporary, true))
                    .isInstanceOf(FileException.class)
                    .hasMessageStartingWith(inTheWay + " is a folder");
        }
        assertThat(names(temporary)).containsExactly("activations.safetensors");
    }

    @Test
    void foldersThatCannotBeWrittenAreNamed() throws IOException {
        Path file = Files.createFile(temporary.resolve("file"));
        assertThatThrownBy(() -> DumpFolder.open(file, IfExists.REPLACE))
                .isInstanceOf(FileException.class)
                .hasMessageStartingWith("cannot write " + file);
        assertThatThrownBy(() -> DumpFolder.open(file.resolve("below"), IfExists.REPLACE))
                .isInstanceOf(FileException.class)
                .hasMessageStartingWith("cannot write " + file);
    }

    private static List<String> names(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
