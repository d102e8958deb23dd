package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.ParameterGradients;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.Tape;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.SafetensorsFile;
import dev.hyaline.files.StoredTensor;
import dev.hyaline.weights.internal.DiskFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The gradient at every site against PyTorch's in float64. The largest error of a site may be twice PyTorch's own in
 * float32, or four float32 ulps of the site's largest value where that is more. Leaves the table in a file.
 */
class GoldenGradientsTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");
    private static final Path REPORTS = Path.of("target/golden-gradients");

    /** PyTorch's error at a site, ours, and the largest value there. */
    private record Row(double pytorch, double found, double largest) {
        double bound() {
            return Math.max(2 * pytorch, 4 * Math.ulp((float) largest));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-wide", "tiny-variant", "tiny-relu"})
    void everySiteAgreesWithFloat64(String name) throws IOException {
        JsonNode errors = errors(GOLDEN.resolve(name).resolve("golden.json"));
        Map<HookPoint, Row> table = new TreeMap<>();
        try (Arena arena = Arena.ofConfined();
                Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve(name));
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            int[][] tokens = integers(open(name, "golden.safetensors", arena), "tokens");
            SafetensorsFile golden = open(name, "gradients.safetensors", arena);
            Tape tape = model.record(ForwardRequest.of(sequences(tokens)));
            tape.backward(
                    crossEntropyGradient(
                            tape.result().logits(), tokens, model.config().dVocab()),
                    comparing(golden, errors, tokens.length, table));
            assertThat(table.keySet())
                    .containsAll(HookPoint.all(model.config()).stream()
                            .filter(point -> !point.site().onRequest() || point.site() == Site.RESULT)
                            .toList());
        }
        report(name, table);
        table.forEach((point, row) -> assertThat(row.found()).as(point.name()).isLessThanOrEqualTo(row.bound()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-variant", "tiny-relu"})
    void everyParameterAgreesWithFloat64(String name) throws IOException {
        JsonNode errors = errors(GOLDEN.resolve(name).resolve("parameter-gradients.json"));
        Map<String, Row> table = new TreeMap<>();
        try (Arena arena = Arena.ofConfined();
                Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve(name));
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            int[][] tokens = integers(open(name, "golden.safetensors", arena), "tokens");
            SafetensorsFile golden = open(name, "parameter-gradients.safetensors", arena);
            Tape tape = model.record(ForwardRequest.of(sequences(tokens)));
            ParameterGradients sums = ParameterGradients.zeros(model.config());
            tape.backward(
                    crossEntropyGradient(
                            tape.result().logits(), tokens, model.config().dVocab()),
                    Probe.NONE,
                    sums);
            for (TensorSpec tensor : Gpt2Weights.tensors(model.config())) {
                float[] expected = floats(golden, "param." + tensor.name());
                table.put(
                        tensor.name(),
                        compare(errors.path(tensor.name()).asDouble(), expected, sums.of(tensor.name())));
            }
        }
        table.forEach((tensor, row) -> assertThat(row.found()).as(tensor).isLessThanOrEqualTo(row.bound()));
    }

    @Test
    void everySiteOfFableAgreesWithFloat64OnTheIoiTask() throws IOException {
        JsonNode errors = errors(GOLDEN.resolve("fable").resolve("ioi-gradients.json"));
        Map<HookPoint, Row> table = new TreeMap<>();
        try (Arena arena = Arena.ofConfined();
                Checkpoint checkpoint = Checkpoint.builtIn("fable");
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            SafetensorsFile golden = open("fable", "ioi-gradients.safetensors", arena);
            int[][] tokens = integers(golden, "tokens");
            int[][] answers = integers(golden, "answers");
            int[] columns = Arrays.stream(answers).flatMapToInt(Arrays::stream).toArray();
            Tape tape = model.record(ForwardRequest.of(sequences(tokens))
                    .logits(LogitSelection.last().columns(columns)));
            float[] gradient = {1, -1, 0, 0, 0, 0, 1, -1};
            // On demand sites are there for the first prompt alone.
            tape.backward(gradient, comparing(golden, errors, 2, table));
            assertThat(table.keySet())
                    .containsAll(HookPoint.all(model.config()).stream()
                            .filter(point -> point.site() != Site.UNEMBED_OUT)
                            .toList());
        }
        report("fable", table);
        table.forEach((point, row) -> assertThat(row.found()).as(point.name()).isLessThanOrEqualTo(row.bound()));
    }

    private static CallingProbe comparing(
            SafetensorsFile golden, JsonNode errors, int sequences, Map<HookPoint, Row> table) {
        return new CallingProbe(
                point -> golden.header().tensors().containsKey("grad." + point.name()), (point, gradient) -> {
                    float[] expected = floats(golden, "grad." + point.name());
                    float[] found = Arrays.copyOf(gradient.values(), end(gradient, expected.length, sequences));
                    table.put(point, compare(errors.path(point.name()).asDouble(), expected, found));
                });
    }

    private static int end(Activation gradient, int expected, int sequences) {
        return gradient.offset(1) == expected ? expected : gradient.offset(sequences);
    }

    private static float[] crossEntropyGradient(float[] logits, int[][] tokens, int vocabulary) {
        int length = tokens[0].length;
        int count = tokens.length * (length - 1);
        float[] gradient = new float[logits.length];
        for (int s = 0; s < tokens.length; s++) {
            for (int p = 0; p < length - 1; p++) {
                int at = (s * length + p) * vocabulary;
                double max = IntStream.range(0, vocabulary)
                        .mapToDouble(i -> logits[at + i])
                        .max()
                        .orElseThrow();
                double sum = IntStream.range(0, vocabulary)
                        .mapToDouble(i -> Math.exp(logits[at + i] - max))
                        .sum();
                for (int i = 0; i < vocabulary; i++) {
                    double probability = Math.exp(logits[at + i] - max) / sum;
                    gradient[at + i] = (float) ((probability - (i == tokens[s][p + 1] ? 1 : 0)) / count);
                }
            }
        }
        return gradient;
    }

    private static List<Sequence> sequences(int[][] tokens) {
        return Stream.of(tokens).map(Sequence::of).toList();
    }

    private static SafetensorsFile open(String folder, String file, Arena arena) throws IOException {
        return SafetensorsFile.open(new DiskFolder(GOLDEN.resolve(folder)).open(file), arena);
    }

    private static JsonNode errors(Path file) {
        return JsonMapper.builder()
                .enable(tools.jackson.core.json.JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                .build()
                .readTree(file)
                .path("float32_error")
                .path("grad");
    }

    private static int[][] integers(SafetensorsFile file, String name) {
        StoredTensor tensor = file.header().tensors().get(name);
        MemorySegment data = file.data().asSlice(tensor.begin(), tensor.bytes());
        int[][] rows =
                new int[tensor.shape().get(0).intValue()][tensor.shape().get(1).intValue()];
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < rows[i].length; j++) {
                rows[i][j] =
                        (int) data.get(ValueLayout.JAVA_LONG_UNALIGNED, Long.BYTES * (i * (long) rows[i].length + j));
            }
        }
        return rows;
    }

    private static float[] floats(SafetensorsFile file, String name) {
        StoredTensor tensor = file.header().tensors().get(name);
        return file.data().asSlice(tensor.begin(), tensor.bytes()).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    private static Row compare(double pytorch, float[] expected, float[] found) {
        assertThat(found).hasSameSizeAs(expected);
        double error = 0;
        double largest = 0;
        for (int i = 0; i < expected.length; i++) {
            assertThat(found[i]).isFinite();
            error = Math.max(error, Math.abs((double) found[i] - expected[i]));
            largest = Math.max(largest, Math.abs(expected[i]));
        }
        assertThat(largest).isPositive();
        return new Row(pytorch, error, largest);
    }

    private static void report(String name, Map<HookPoint, Row> table) throws IOException {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT, "%-34s %10s %10s %10s %12s%n", name, "PyTorch", "Hyaline", "bound", "largest"));
        table.forEach((point, row) -> text.append(String.format(
                Locale.ROOT,
                "%-34s %10.2e %10.2e %10.2e %12.5g%n",
                point.name(),
                row.pytorch,
                row.found,
                row.bound(),
                row.largest)));
        Files.createDirectories(REPORTS);
        Files.writeString(REPORTS.resolve(name + ".txt"), text);
    }
}
