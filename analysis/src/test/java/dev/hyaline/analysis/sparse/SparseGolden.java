package dev.hyaline.analysis.sparse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.TensorValues;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reference values of sparse coding, computed in float64; see {@code ../shared/golden/sparse/README.md}. */
public final class SparseGolden {
    private SparseGolden() {}

    /** A file or folder of the reference values. */
    public static Path path(String name) {
        try {
            return Path.of(
                    SparseGolden.class.getResource("/golden/sparse/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    public static Json json(String name) {
        try {
            return Json.readObject(InputErrors.INSTANCE, name, Files.readAllBytes(path(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static TensorValues values(String name) {
        return TensorValues.open(path(name), InputErrors.INSTANCE);
    }

    public static float[] floats(TensorValues file, String tensor) {
        return file.floats(tensor, 0, file.elements(tensor));
    }

    /** The transpose of {@code [rows, columns]}. */
    public static float[] transposed(float[] values, int rows, int columns) {
        float[] transposed = new float[values.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                transposed[c * rows + r] = values[r * columns + c];
            }
        }
        return transposed;
    }

    /** Checks values against reference values, within a share of the largest of these. */
    public static void assertClose(String what, float[] found, float[] expected, double tolerance) {
        assertThat(found).as(what).hasSameSizeAs(expected);
        double largest = 0;
        double error = 0;
        int worst = 0;
        for (int i = 0; i < found.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            double difference = Math.abs((double) found[i] - expected[i]);
            if (!(difference <= error)) {
                error = difference;
                worst = i;
            }
        }
        assertThat(error)
                .as("%s: largest error, at %d of %d (largest value %g)", what, worst, found.length, largest)
                .isLessThanOrEqualTo(tolerance * Math.max(largest, 1e-30));
    }
}
