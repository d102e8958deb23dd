package dev.hyaline.analysis.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.weights.TensorFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Reference probes on fixed rows, by scikit-learn and our own code on PyTorch in float64. */
final class GoldenProbes {
    static final Json EXPECTED = SparseGolden.json("probe.json");
    static final int TRAIN = EXPECTED.require("train").integer(1, 1000);
    private static final String FILE = "probe.safetensors";

    private GoldenProbes() {}

    /** The doubles of an F64 tensor; {@link TensorFile} reads floats. */
    static double[] doubles(String tensor) {
        return doubles(FILE, tensor);
    }

    static double[] doubles(String file, String tensor) {
        try {
            byte[] bytes = Files.readAllBytes(SparseGolden.path(file));
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            int header = Math.toIntExact(buffer.getLong(0));
            String json = new String(bytes, Long.BYTES, header, StandardCharsets.UTF_8);
            Json entry = Json.readObject(InputErrors.INSTANCE, file, json.getBytes(StandardCharsets.UTF_8))
                    .require(tensor);
            assertThat(entry.require("dtype").string()).isEqualTo("F64");
            List<Json> offsets = entry.require("data_offsets").elements();
            int from = Long.BYTES + header + (int) offsets.get(0).whole(0);
            int end = Long.BYTES + header + (int) offsets.get(1).whole(0);
            double[] values = new double[(end - from) / Double.BYTES];
            Arrays.setAll(values, i -> buffer.getDouble(from + i * Double.BYTES));
            return values;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int[] integers(String tensor) {
        return integers(FILE, tensor);
    }

    static int[] integers(String file, String tensor) {
        try (TensorFile opened = TensorFile.open(SparseGolden.path(file))) {
            return Arrays.stream(opened.integers(tensor))
                    .mapToInt(Math::toIntExact)
                    .toArray();
        }
    }

    /** All rows with the labels of a tensor. */
    static LabelledRows rows(String labels) {
        return LabelledRows.of(new Matrix(400, 20, doubles("X")), integers(labels));
    }

    static LabelledRows train(String labels) {
        return rows(labels).only(IntStream.range(0, TRAIN).toArray());
    }

    static LabelledRows test(String labels) {
        return rows(labels).only(IntStream.range(TRAIN, 400).toArray());
    }

    /** A number of the JSON file. */
    static double number(String section, String name) {
        return EXPECTED.require(section).require(name).number();
    }

    static void assertClose(String what, double[] found, double[] expected, double tolerance) {
        assertThat(found).as(what).hasSameSizeAs(expected);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        for (int i = 0; i < found.length; i++) {
            assertThat(Math.abs(found[i] - expected[i]))
                    .as("%s at %d of %d: found %s, expected %s", what, i, found.length, found[i], expected[i])
                    .isLessThanOrEqualTo(tolerance * Math.max(largest, 1e-30));
        }
    }
}
