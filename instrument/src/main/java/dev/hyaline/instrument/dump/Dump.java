package dev.hyaline.instrument.dump;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Digests;
import dev.hyaline.files.FileLayout;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.CaptureListener;
import dev.hyaline.instrument.capture.CapturePasses;
import dev.hyaline.instrument.capture.DerivedProbe;
import dev.hyaline.instrument.capture.DerivedSite;
import dev.hyaline.instrument.capture.PromptPass;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.gradient.GradientPass;
import dev.hyaline.instrument.run.EditedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A capture of given prompts, written as values of one type to one file, with a manifest beside it. Names, shapes and
 * sizes are known before anything runs; during the run, values go to the file as they come. Immutable.
 */
public final class Dump {
    private final Gpt2Config config;
    /** All prompts that were given, which edits count. */
    private final Prompts given;
    /** The prompts to run: the chosen ones of those that were given. */
    private final Prompts prompts;
    /** The choice of these prompts, as the manifest records it. */
    private final IndexSelection sequences;
    /** The values to record of every one of these prompts. */
    private final Capture capture;

    private final ElementType type;
    private final DumpFormat format;
    /** The scalar whose gradients are written; empty for values. */
    private final @Nullable String gradientOf;
    /** Written beside the values. */
    private final List<DerivedSite> derived;
    /** Made while the prompts run. */
    private final Interventions edits;

    private final TensorPlan plan;
    private final FileLayout layout;

    private Dump(
            Gpt2Config config,
            Prompts given,
            IndexSelection sequences,
            Capture capture,
            ElementType type,
            DumpFormat format,
            @Nullable String gradientOf,
            List<DerivedSite> derived,
            Interventions edits) {
        if (type == ElementType.I64) {
            throw new BadInputException("activations cannot be written as integers");
        }
        if (!format.holds(type)) {
            throw new BadInputException(
                    format + " cannot hold " + type + ": NumPy has no such type; write safetensors, or f32 or f16");
        }
        if (gradientOf != null && !edits.list().isEmpty()) {
            throw new BadInputException("a dump of gradients is of the model as it is, found "
                    + edits.list().size() + " interventions; leave out one of the two");
        }
        this.config = config;
        this.given = given;
        this.prompts = given.only(sequences);
        this.sequences = sequences;
        this.capture = capture;
        this.type = type;
        this.format = format;
        this.gradientOf = gradientOf;
        this.edits = edits;
        this.derived = DerivedProbe.requireDistinct(derived);
        if (gradientOf != null) {
            derived.forEach(DerivedSite::requireGradients);
        }
        capture.require(config, prompts);
        TensorPlan ofValues = TensorPlan.of(config, capture, prompts, type);
        this.plan = (gradientOf != null ? ofValues.ofGradients() : ofValues).withDerived(derived, type, prefix());
        this.layout = format.layout(plan.tensors(), Map.of("format", "pt", "manifest", DumpFolder.MANIFEST));
    }

    /** Float32 values in a safetensors file. */
    public static Dump of(Gpt2Config config, Prompts prompts, Capture capture) {
        return of(config, prompts, capture, ElementType.F32, DumpFormat.SAFETENSORS);
    }

    /**
     * Values of a type in a file of a format.
     *
     * @throws BadInputException if the format has no such type, a sequence has none of the capture's positions, or the
     *     model or the prompts lack what the capture chooses
     */
    public static Dump of(Gpt2Config config, Prompts prompts, Capture capture, ElementType type, DumpFormat format) {
        IndexSelection sequences = capture.sequences();
        Capture ofEach = capture.sequences(IndexSelection.all());
        return new Dump(config, prompts, sequences, ofEach, type, format, null, List.of(), Interventions.of());
    }

    /**
     * A dump of gradients in place of values, under the points' names with {@link TensorPlan#GRADIENT} before them. It
     * is written by {@link #write(Gpt2, DumpFolder, Supplier, CaptureListener, PromptPass)} with a
     * {@link dev.hyaline.instrument.gradient.GradientPass} over {@link #prompts}.
     *
     * @param scalar the name of what they are the gradients of, for the manifest
     */
    public Dump ofGradients(String scalar) {
        return new Dump(config, given, sequences, capture, type, format, scalar, derived, edits);
    }

    /**
     * The same with sites that are computed from hook points, at the same positions of each prompt.
     *
     * @throws BadInputException if two have one name, one is computed from an attention map, or the dump is of
     *     gradients and one has none
     */
    public Dump withDerived(List<DerivedSite> sites) {
        return new Dump(config, given, sequences, capture, type, format, gradientOf, sites, edits);
    }

    /**
     * The same of an edited model. Where an intervention acts, the edited value is written; the manifest has a line on
     * each intervention.
     *
     * @param newEdits these count the prompts that were given, chosen or not
     * @throws BadInputException if the dump is of gradients
     */
    public Dump edited(Interventions newEdits) {
        return new Dump(config, given, sequences, capture, type, format, gradientOf, derived, newEdits);
    }

    private String prefix() {
        return gradientOf == null ? "" : TensorPlan.GRADIENT;
    }

    public TensorPlan plan() {
        return plan;
    }

    /** Size of the file of tensors, exactly. */
    public long fileBytes() {
        return layout.fileBytes();
    }

    Gpt2Config config() {
        return config;
    }

    /** The prompts that are run: those whose sequences the capture chose. */
    public Prompts prompts() {
        return prompts;
    }

    IndexSelection sequences() {
        return sequences;
    }

    /** The values that it holds of each of {@link #prompts}. */
    public Capture capture() {
        return capture;
    }

    /** The scalar whose gradients are written; empty for a dump of values. */
    public Optional<String> gradientOf() {
        return Optional.ofNullable(gradientOf);
    }

    /** The interventions that are made while the prompts run; none for the model as it is. */
    public Interventions edits() {
        return edits;
    }

    ElementType type() {
        return type;
    }

    DumpFormat format() {
        return format;
    }

    /**
     * The files that were written.
     *
     * @param bytes size of the file of tensors
     * @param overflowed finite values that became infinite because the type has none so large
     */
    public record DumpSummary(Path activations, long bytes, Path manifest, long overflowed) {}

    /**
     * Runs the prompts and writes the dump. Its files appear when both are complete.
     *
     * @param provenance asked for when the values are written: hashing a model may take as long as running it
     * @param listener sees all that is recorded, as it is recorded
     * @throws FileException if the folder's file system has no room or a file cannot be written
     */
    public DumpSummary write(Gpt2 model, DumpFolder folder, Supplier<Provenance> provenance, CaptureListener listener) {
        PromptPass pass = edits.list().isEmpty()
                ? PromptPass.plain(model, prompts)
                : EditedModel.of(model, edits).passes(given, sequences);
        return run(model, folder, provenance, listener, pass);
    }

    /**
     * As {@link #write(Gpt2, DumpFolder, Supplier, CaptureListener)}, of passes that may do more than run the model.
     *
     * @throws BadInputException if the dump is {@link #edited}: its passes are its own
     */
    public DumpSummary write(
            Gpt2 model, DumpFolder folder, Supplier<Provenance> provenance, CaptureListener listener, PromptPass pass) {
        if (!edits.list().isEmpty()) {
            throw new BadInputException("an edited dump runs passes of its own; write it without others");
        }
        return run(model, folder, provenance, listener, pass);
    }

    private DumpSummary run(
            Gpt2 model, DumpFolder folder, Supplier<Provenance> provenance, CaptureListener listener, PromptPass pass) {
        if (folder.usableSpace() < fileBytes()) {
            throw FileException.occupied(
                    folder.path(), "has no room for " + fileBytes() + " bytes; free some, or write fewer sites");
        }
        Path activations = folder.path().resolve(format.fileName());
        Path manifest = folder.path().resolve(DumpFolder.MANIFEST);
        Path writing = activations;
        try {
            FileChannel channel = folder.begin(format.fileName());
            TensorFileWriter writer = new TensorFileWriter(channel, layout);
            appendRowInfo(writer);
            CapturePasses.run(deriving(pass, writer), config, prompts, capture, writingTo(writer, listener));
            writer.finish();
            String sha256 = Digests.sha256(channel);

            writing = manifest;
            byte[] json = Manifest.json(this, model, provenance.get(), sha256, writer.overflowed());
            FileLayout.writeFully(folder.manifest(), ByteBuffer.wrap(json), 0);
            folder.commit();
            return new DumpSummary(activations, fileBytes(), manifest, writer.overflowed());
        } catch (IOException e) {
            throw FileException.writing(writing, e);
        } catch (UncheckedIOException e) {
            throw FileException.writing(writing, Objects.requireNonNull(e.getCause()));
        }
    }

    private PromptPass deriving(PromptPass pass, TensorFileWriter writer) {
        if (derived.isEmpty()) {
            return pass;
        }
        DerivedProbe probe = new DerivedProbe(derived, prompts, capture, (site, sequence, values) -> {
            try {
                writer.append(prefix() + site.name(), values, 0, values.length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        if (gradientOf == null) {
            return probe.in(pass);
        }
        if (pass instanceof GradientPass gradients) {
            return probe.inGradients(values -> gradients.reading(values));
        }
        throw new BadInputException("gradients at derived sites need a GradientPass, found " + pass);
    }

    private CaptureListener writingTo(TensorFileWriter writer, CaptureListener listener) {
        return new CaptureListener() {
            @Override
            public void captured(HookPoint point, int sequence, float[] values, int offset, int length) {
                try {
                    writer.append(plan.tensor(point, sequence).name(), values, offset, length);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                listener.captured(point, sequence, values, offset, length);
            }

            @Override
            public void finished(int sequence, float[] nextTokenLogits) {
                listener.finished(sequence, nextTokenLogits);
            }
        };
    }

    private void appendRowInfo(TensorFileWriter writer) throws IOException {
        long[] offsets = new long[prompts.size() + 1];
        for (int s = 0; s < prompts.size(); s++) {
            int sequence = s;
            int[] positions = capture.positions(prompts, s);
            offsets[s + 1] = offsets[s] + positions.length;
            writer.append(TensorPlan.POSITIONS, longs(IntStream.of(positions)));
            writer.append(
                    TensorPlan.TOKENS,
                    longs(IntStream.of(positions).map(position -> prompts.token(sequence, position))));
        }
        if (!plan.isBatch()) {
            writer.append(TensorPlan.OFFSETS, offsets);
        }
    }

    private static long[] longs(IntStream values) {
        return values.asLongStream().toArray();
    }

    @Override
    public String toString() {
        return capture + " of " + prompts + ", as " + format;
    }
}
