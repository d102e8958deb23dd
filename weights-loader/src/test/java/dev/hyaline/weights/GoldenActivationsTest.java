package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.fixtures.CallingProbe;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every site of every reference model against PyTorch and TransformerLens in float64. The largest error of a site may
 * be twice PyTorch's own in float32, or two float32 ulps of the site's largest value where that is more. Prints the
 * table.
 */
class GoldenActivationsTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");
    private static final Path REPORTS = Path.of("target/golden-activations");

    /** The files say NaN where there is no number. */
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    /** PyTorch's error at a site, ours, and the largest value there. */
    private record Row(double pytorch, double found, double largest) {
        double bound() {
            return Math.max(2 * pytorch, 2 * Math.ulp((float) largest));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-wide", "tiny-variant", "tiny-relu", "fable"})
    void everySiteAgreesWithFloat64(String name) throws IOException {
        Map<HookPoint, Row> table = new TreeMap<>();
        JsonNode errors =
                JSON.readTree(GOLDEN.resolve(name).resolve("golden.json")).path("float32_error");
        // golden.json lists none for masked scores; these are PyTorch's over the scores that are not masked.
        JsonNode scoreErrors =
                JSON.readTree(GOLDEN.resolve("attn-scores-float32-error.json")).path(name);
        try (Arena arena = Arena.ofConfined();
                Checkpoint checkpoint = open(name);
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            SafetensorsFile golden =
                    SafetensorsFile.open(new DiskFolder(GOLDEN.resolve(name)).open("golden.safetensors"), arena);
            List<Sequence> batch = prompts(golden);
            Probe compare = new CallingProbe(
                    point -> golden.header().tensors().containsKey("act." + point.name()), (point, activation) -> {
                        float[] expected = floats(golden, "act." + point.name());
                        float[] found = Arrays.copyOf(activation.values(), activation.offset(batch.size()));
                        JsonNode listed = point.site() == Site.ATTN_SCORES ? scoreErrors : errors.path("act");
                        table.put(point, compare(listed.path(point.name()).asDouble(), expected, found));
                    });
            float[] found =
                    model.forward(ForwardRequest.of(batch).probe(compare)).logits();
            Row row = compare(errors.path("logits_hf").asDouble(), floats(golden, "logits"), found);
            report(name, table, row);
            assertThat(row.found()).as("logits").isLessThanOrEqualTo(row.bound());
        }
        assertThat(table.keySet())
                .as("all sites of a plain pass, and hook_result")
                .containsAll(HookPoint.all(open(name).config()).stream()
                        .filter(point -> !point.site().onRequest() || point.site() == Site.RESULT)
                        .toList());
        table.forEach((point, row) -> assertThat(row.found()).as(point.name()).isLessThanOrEqualTo(row.bound()));
    }

    private static Checkpoint open(String name) {
        return name.equals("fable") ? Checkpoint.builtIn(name) : Checkpoint.open(GOLDEN.resolve(name));
    }

    private static List<Sequence> prompts(SafetensorsFile golden) {
        StoredTensor tokens = golden.header().tensors().get("tokens");
        MemorySegment data = golden.data().asSlice(tokens.begin(), tokens.bytes());
        int length = tokens.shape().get(1).intValue();
        List<Sequence> batch = new ArrayList<>();
        for (int s = 0; s < tokens.shape().getFirst(); s++) {
            int[] ids = new int[length];
            for (int i = 0; i < length; i++) {
                ids[i] = (int) data.get(ValueLayout.JAVA_LONG_UNALIGNED, Long.BYTES * (s * (long) length + i));
            }
            batch.add(Sequence.of(ids));
        }
        return batch;
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
            if (Float.isInfinite(expected[i])) {
                assertThat(found[i]).as("a masked score").isEqualTo(expected[i]);
                continue;
            }
            assertThat(found[i]).isFinite();
            error = Math.max(error, Math.abs((double) found[i] - expected[i]));
            largest = Math.max(largest, Math.abs(expected[i]));
        }
        return new Row(pytorch, error, largest);
    }

    /** Leaves the errors of every site where they can be read, since a test that passes says nothing of them. */
    private static void report(String name, Map<HookPoint, Row> table, Row logits) throws IOException {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT, "%-34s %10s %10s %10s %12s%n", name, "PyTorch", "Hyaline", "bound", "largest"));
        table.forEach((point, row) -> append(text, point.name(), row));
        append(text, "logits", logits);
        Files.createDirectories(REPORTS);
        Files.writeString(REPORTS.resolve(name + ".txt"), text);
    }

    private static void append(StringBuilder text, String what, Row row) {
        text.append(String.format(
                Locale.ROOT,
                "%-34s %10.2e %10.2e %10.2e %12.5g%n",
                what,
                row.pytorch,
                row.found,
                row.bound(),
                row.largest));
    }
}
