package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.files.TensorValues;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A fit under way in a safetensors file: the dictionary, the sums it is updated from, and the steps so far. */
final class FitFile {
    private static final String FORMAT = "hyaline dictionary learning 1";

    private FitFile() {}

    static void write(Path file, MiniBatchFit fit) {
        Map<String, String> metadata = new TreeMap<>();
        metadata.put("format", FORMAT);
        metadata.put("settings", fit.description());
        metadata.put("done", Integer.toString(fit.done));
        metadata.put("resampled", Long.toString(fit.resampled));
        long n = fit.statistics.a.length;
        long d = fit.statistics.d;
        SafetensorsLayout layout = SafetensorsLayout.of(
                List.of(
                        new TensorEntry("A", Dtype.F64, List.of(n, n)),
                        new TensorEntry("B", Dtype.F64, List.of(n, d)),
                        new TensorEntry("costs", Dtype.F64, List.of((long) fit.done)),
                        new TensorEntry("dictionary", Dtype.F64, List.of(n, d))),
                metadata);
        Path target = file.toAbsolutePath().normalize();
        try {
            Disk.createParent(target);
            PartialFile.write(target, channel -> {
                TensorFileWriter writer = new TensorFileWriter(channel, layout);
                for (double[] row : fit.statistics.a) {
                    writer.append("A", row, 0, row.length);
                }
                writer.append("B", fit.statistics.b, 0, fit.statistics.b.length);
                writer.append("costs", fit.costs, 0, fit.done);
                writer.append("dictionary", fit.dictionary, 0, fit.dictionary.length);
                writer.finish();
            });
        } catch (IOException e) {
            throw FileException.stopped(target, e);
        }
    }

    static void read(Path file, MiniBatchFit fit) {
        TensorValues values = TensorValues.open(file, InputErrors.INSTANCE);
        if (!FORMAT.equals(values.metadata("format").orElse(""))) {
            throw new BadInputException(file + ": expected a dictionary that is being learned, found another file");
        }
        String settings = values.metadata("settings").orElse("none");
        if (!settings.equals(fit.description())) {
            throw new BadInputException(file + ": expected the settings " + fit.description() + ", found " + settings);
        }
        try {
            fit.done = Integer.parseInt(values.metadata("done").orElse("nothing for done"));
            fit.resampled = Long.parseLong(values.metadata("resampled").orElse("nothing for resampled"));
        } catch (NumberFormatException e) {
            throw new BadInputException(file + ": expected numbers in its metadata, found " + e.getMessage());
        }
        int n = fit.statistics.a.length;
        for (int k = 0; k < n; k++) {
            System.arraycopy(values.doubles("A", (long) k * n, n), 0, fit.statistics.a[k], 0, n);
        }
        copy(values, "B", fit.statistics.b);
        copy(values, "dictionary", fit.dictionary);
        fit.costs = values.doubles("costs", 0, fit.done);
    }

    private static void copy(TensorValues values, String name, double[] into) {
        System.arraycopy(values.doubles(name, 0, into.length), 0, into, 0, into.length);
    }
}
