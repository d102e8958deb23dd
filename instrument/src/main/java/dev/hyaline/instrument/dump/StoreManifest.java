package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.weights.ProcessingStep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The part of a {@link ShardManifest} that a reader needs, checked: the file may come from anyone. */
record StoreManifest(
        List<HookPoint> points,
        IndexSelection heads,
        IndexSelection neurons,
        ShardPlan plan,
        long documents,
        List<Provenance.ModelFile> modelFiles,
        List<ProcessingStep> processing,
        List<Shard> shards) {
    /** A row of more values is no GPT-2's; keeps a hostile shape small. */
    private static final long MAX_WIDTH = 1 << 24;

    static StoreManifest read(Path folder) {
        Path file = folder.resolve(DumpFolder.MANIFEST);
        if (!Files.exists(file) && Files.exists(folder.resolve(DumpFolder.JOURNAL))) {
            throw FileException.corrupt(
                    folder, "a dump", "one that is not finished; go on with it (" + Remedy.RESUME + ")");
        }
        if (!Files.exists(file) && Files.exists(folder.resolve(DumpPlan.FILE))) {
            throw FileException.corrupt(
                    folder, "a dump", "one whose parts are not all there; go on with it (" + Remedy.FINISH_PARTS + ")");
        }
        Json json = ShardManifest.read(file);
        StoreManifest described = of(json);
        if (described.plan().latents() != null) {
            throw json.require("activations")
                    .require("layout")
                    .expected("\"" + ShardManifest.ROWS
                            + "\", rows of activations, not the latents that fire, which any reader of"
                            + " safetensors reads");
        }
        return new StoreManifest(
                described.points(),
                described.heads(),
                described.neurons(),
                described.plan(),
                described.documents(),
                described.modelFiles(),
                described.processing(),
                shards(json, described.plan()));
    }

    /** What a manifest says, or the request of a plan, without its shards. */
    static StoreManifest of(Json json) {
        if (!json.require("format").string().equals(ShardManifest.FORMAT)) {
            throw json.require("format").expected("\"" + ShardManifest.FORMAT + "\", a dump in shards");
        }
        Json activations = json.require("activations");
        List<Json> tensors = activations.require("tensors").elements();
        List<HookPoint> points = new ArrayList<>();
        List<TensorInfo> infos = new ArrayList<>();
        Set<String> derived = derived(json.require("capture"));
        List<String> rowInfo = List.of(TensorPlan.TOKENS, TensorPlan.POSITIONS, ShardPlan.DOCUMENTS);
        for (int i = 0; i < tensors.size(); i++) {
            TensorInfo info = tensor(tensors.get(i));
            int which = i - (tensors.size() - ShardPlan.ROW_INFO);
            if (which < 0) {
                if (!derived.remove(info.name())) {
                    // Those of derived sites come after all of hook points.
                    HookPoint point = point(info.name())
                            .filter(named -> points.size() == infos.size() && !points.contains(named))
                            .orElseThrow(
                                    () -> tensors.get(infos.size()).expected("named after a hook point of its own"));
                    points.add(point);
                }
                if (info.type() == ElementType.I64
                        || info.type()
                                != infos.stream().findFirst().orElse(info).type()) {
                    throw tensors.get(i).expected("floats of one type at all hook points");
                }
            } else if (!info.equals(new TensorInfo(rowInfo.get(which), ElementType.I64, List.of()))) {
                throw tensors.get(i).expected("one i64 a row, named " + rowInfo.get(which));
            }
            infos.add(info);
        }
        boolean latents = isOfLatents(activations);
        boolean asked = latents ? points.isEmpty() && infos.size() == 1 + ShardPlan.ROW_INFO : !points.isEmpty();
        if (!asked || !derived.isEmpty()) {
            throw activations.require("tensors").expected("one a hook point and derived site, then " + rowInfo);
        }
        long documents = json.require("corpus").require("documents").whole(1);
        ShardPlan plan = new ShardPlan(
                infos,
                activations.require("rows_per_shard").whole(1),
                activations.require("rows").whole(1),
                latents ? latents(json) : null);
        Json capture = json.require("capture");
        return new StoreManifest(
                points,
                selection(capture, "heads"),
                selection(capture, "neurons"),
                plan,
                documents,
                modelFiles(json.require("model").require("files")),
                processing(json.require("model").require("processing")),
                List.of());
    }

    private static List<Provenance.ModelFile> modelFiles(Json files) {
        return files.elements().stream()
                .map(file -> new Provenance.ModelFile(
                        file.require("name").string(),
                        file.require("bytes").whole(0),
                        file.require("sha256").string()))
                .toList();
    }

    private static List<ProcessingStep> processing(Json steps) {
        List<String> names = Arrays.stream(ProcessingStep.values())
                .map(ProcessingStep::toString)
                .toList();
        return steps.elements().stream()
                .map(step -> {
                    if (!names.contains(step.string())) {
                        throw step.expected("one of " + String.join(", ", names));
                    }
                    return ProcessingStep.of(step.string());
                })
                .toList();
    }

    private static boolean isOfLatents(Json activations) {
        Json layout = activations.require("layout");
        if (!List.of(ShardManifest.ROWS, ShardManifest.LATENTS).contains(layout.string())) {
            throw layout.expected(ShardManifest.ROWS + " or " + ShardManifest.LATENTS);
        }
        return layout.string().equals(ShardManifest.LATENTS);
    }

    private static ShardPlan.LatentShards latents(Json json) {
        Json activations = json.require("activations");
        int window = size(json.require("capture").require("context"));
        if (size(activations.require("rows_per_shard")) % window != 0) {
            throw activations.require("rows_per_shard").expected("whole windows of " + window);
        }
        if (activations.require("rows").whole(1) % window != 0) {
            throw activations.require("rows").expected("whole windows of " + window);
        }
        return new ShardPlan.LatentShards(
                window, size(json.require("model").require("config").require("vocab_size")));
    }

    private static int size(Json json) {
        long size = json.whole(1);
        if (size > Integer.MAX_VALUE) {
            throw json.expected("at most " + Integer.MAX_VALUE);
        }
        return (int) size;
    }

    /** Names of derived sites; few dumps have any. */
    private static Set<String> derived(Json capture) {
        return capture.get(ShardManifest.DERIVED).isPresent()
                ? new HashSet<>(capture.require(ShardManifest.DERIVED).names())
                : new HashSet<>();
    }

    /** Manifests from before there was a choice name none. */
    private static IndexSelection selection(Json capture, String axis) {
        if (!capture.get(axis).isPresent()) {
            return IndexSelection.all();
        }
        try {
            return IndexSelection.parse(capture.require(axis).string());
        } catch (BadInputException e) {
            throw capture.require(axis).expected("indices such as 0,3-5");
        }
    }

    private static TensorInfo tensor(Json json) {
        String name = json.require("name").string();
        String dtype = json.require("dtype").string();
        List<Long> shape = new ArrayList<>();
        long elements = 1;
        for (Json size : json.require("row_shape").elements()) {
            shape.add(size.whole(1));
            if (shape.getLast() > MAX_WIDTH || (elements *= shape.getLast()) > MAX_WIDTH) {
                throw json.require("row_shape").expected("of at most " + MAX_WIDTH + " values");
            }
        }
        for (ElementType type : ElementType.values()) {
            if (type.toString().equals(dtype)) {
                return new TensorInfo(name, type, shape);
            }
        }
        throw json.require("dtype").expected("f32, f16, bf16 or i64");
    }

    /** The hook point that a manifest names in full: other spellings, which a user may type, are not in a manifest. */
    private static Optional<HookPoint> point(String name) {
        try {
            HookPoint point = HookPoints.point(name);
            return point.name().equals(name) ? Optional.of(point) : Optional.empty();
        } catch (UnknownHookPointException e) {
            return Optional.empty();
        }
    }

    private static List<Shard> shards(Json json, ShardPlan plan) {
        List<Json> listed = json.require("shards").elements();
        if (plan.shards() != listed.size()) {
            throw FileException.corrupt(
                    json.file(), plan.shards() + " shards of its " + plan.rows() + " rows", listed.size() + " shards");
        }
        List<Shard> shards = new ArrayList<>();
        for (Json entry : listed) {
            Shard shard = Shard.of(entry);
            long index = shards.size();
            if (!shard.file().equals(ShardPlan.fileName(index)) || shard.rows() != plan.rows(index)) {
                throw entry.expected(ShardPlan.fileName(index) + " with " + plan.rows(index) + " rows");
            }
            shards.add(shard);
        }
        return List.copyOf(shards);
    }
}
