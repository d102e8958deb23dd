package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.SafetensorsHeader;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.files.TensorValues;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A run of training in one safetensors file: parameters, moments, counters, and in its metadata what else it needs. */
final class TrainingCheckpoint {
    private static final String FORMAT = "hyaline sae training 1";
    private static final List<String> PARTS = List.of("", ".m", ".v");

    private TrainingCheckpoint() {}

    static void write(Path file, SaeTrainer trainer, Map<String, String> more) {
        Map<String, String> metadata = new TreeMap<>(more);
        metadata.put("format", FORMAT);
        metadata.put("settings", trainer.fingerprint());
        metadata.put("done", Long.toString(trainer.done));
        metadata.put("counted", Long.toString(trainer.counted));
        metadata.put("updates", Integer.toString(trainer.state().update().updates()));
        // Hexadecimal, so that the very bits come back.
        metadata.put("threshold", Double.toHexString(trainer.state().threshold().value()));
        metadata.put(
                "threshold_begun", Boolean.toString(trainer.state().threshold().isBegun()));
        trainer.state().annealing().ifPresent(annealing -> {
            metadata.put("penalty_exponent", Double.toHexString(annealing.exponent()));
            metadata.put("penalty_factor", Double.toHexString(annealing.factor()));
        });
        metadata.put("firing_share", Double.toHexString(trainer.state().firingShare));
        metadata.put("factor", Float.toHexString(trainer.factor));
        List<TensorEntry> entries = new ArrayList<>();
        trainer.parameters().all().forEach((name, p) -> {
            for (String part : PARTS) {
                entries.add(new TensorEntry(name + part, Dtype.F32, List.of((long) p.value.length)));
            }
        });
        for (String counter : List.of("idle", "fired")) {
            entries.add(new TensorEntry(counter, Dtype.I64, List.of((long) trainer.idle.length)));
        }
        SafetensorsLayout layout = SafetensorsLayout.of(entries, metadata);
        Path target = file.toAbsolutePath().normalize();
        try {
            Disk.createParent(target);
            PartialFile.write(target, channel -> {
                TensorFileWriter writer = new TensorFileWriter(channel, layout);
                for (Map.Entry<String, Weights.Parameter> entry :
                        trainer.parameters().all().entrySet()) {
                    Weights.Parameter p = entry.getValue();
                    writer.append(entry.getKey(), p.value, 0, p.value.length);
                    writer.append(entry.getKey() + ".m", p.m, 0, p.m.length);
                    writer.append(entry.getKey() + ".v", p.v, 0, p.v.length);
                }
                writer.append("idle", trainer.idle);
                writer.append("fired", trainer.fired);
                writer.finish();
            });
        } catch (IOException e) {
            throw FileException.stopped(target, e);
        }
    }

    static void read(Path file, SaeTrainer trainer) {
        Map<String, String> metadata;
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            metadata = SafetensorsHeader.read(input).metadata();
        }
        if (!FORMAT.equals(metadata.get("format"))) {
            throw new BadInputException(file + ": expected a checkpoint of training, found another file");
        }
        if (!trainer.fingerprint().equals(metadata.get("settings"))) {
            throw new BadInputException(file + " was written with other settings, or on activations of another width;"
                    + " go on with those, or choose another folder");
        }
        try {
            trainer.done = Long.parseLong(required(metadata, "done"));
            trainer.counted = Long.parseLong(required(metadata, "counted"));
            trainer.state().update().resume(Integer.parseInt(required(metadata, "updates")));
            trainer.state()
                    .threshold()
                    .resume(
                            Double.parseDouble(required(metadata, "threshold")),
                            Boolean.parseBoolean(required(metadata, "threshold_begun")));
            trainer.state()
                    .annealing()
                    .ifPresent(annealing -> annealing.resume(
                            Double.parseDouble(required(metadata, "penalty_exponent")),
                            Double.parseDouble(required(metadata, "penalty_factor"))));
            trainer.state().firingShare = Double.parseDouble(required(metadata, "firing_share"));
            trainer.factor = Float.parseFloat(required(metadata, "factor"));
        } catch (NumberFormatException e) {
            throw new BadInputException(file + ": expected numbers in its metadata, found " + e.getMessage());
        }
        TensorValues values = TensorValues.open(file, InputErrors.INSTANCE);
        trainer.parameters().all().forEach((name, p) -> {
            copy(values, name, p.value);
            copy(values, name + ".m", p.m);
            copy(values, name + ".v", p.v);
        });
        counters(file, values, "idle", trainer.idle);
        counters(file, values, "fired", trainer.fired);
        trainer.restored();
    }

    private static String required(Map<String, String> metadata, String key) {
        return Optional.ofNullable(metadata.get(key)).orElse("nothing for " + key);
    }

    private static void copy(TensorValues values, String name, float[] into) {
        System.arraycopy(values.floats(name, 0, into.length), 0, into, 0, into.length);
    }

    private static void counters(Path file, TensorValues values, String name, long[] into) {
        long[] counts = values.counts(name);
        if (counts.length != into.length) {
            throw new BadInputException(
                    file + ": tensor " + name + ": expected " + into.length + " values, found " + counts.length);
        }
        System.arraycopy(counts, 0, into, 0, into.length);
    }
}
