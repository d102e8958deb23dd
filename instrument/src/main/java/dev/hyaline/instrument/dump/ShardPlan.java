package dev.hyaline.instrument.dump;

import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.internal.FileTypes;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The layout of the rows of a dump in shards. Every shard holds the same tensors, each {@code [rows, ...]}: one per
 * hook point and derived site under its name, and {@link TensorPlan#TOKENS}, {@link TensorPlan#POSITIONS} and
 * {@link #DOCUMENTS}. All shards but the last have {@code rowsPerShard} rows.
 *
 * @param tensors of one row: their shapes lack the first axis
 * @param latents what else there is to know if the shards are a {@link LatentCache} each; null if they hold the tensors
 */
record ShardPlan(
        List<TensorInfo> tensors,
        long rowsPerShard,
        long rows,
        @Nullable LatentShards latents) {
    /**
     * Shards that hold the values alone that are not zero, of one derived site, of windows that are each a sequence.
     *
     * @param window its tokens
     * @param vocabulary number of tokens that there are
     */
    record LatentShards(int window, int vocabulary) {}

    /** Document of every row, by its index in the corpus. */
    static final String DOCUMENTS = "documents";

    /** Number of tensors that identify a row; they come after the hook points'. */
    static final int ROW_INFO = 3;

    static final Map<String, String> METADATA = Map.of("format", "pt", "manifest", DumpFolder.MANIFEST);

    ShardPlan {
        tensors = List.copyOf(tensors);
    }

    static long rowBytes(List<TensorInfo> tensors) {
        return tensors.stream().mapToLong(TensorInfo::bytes).reduce(0, Math::addExact);
    }

    long shards() {
        return Math.ceilDiv(rows, rowsPerShard);
    }

    /** Rows of a shard, by its index. */
    long rows(long shard) {
        return Math.min(rowsPerShard, rows - shard * rowsPerShard);
    }

    static String fileName(long shard) {
        return String.format(Locale.ROOT, "activations-%05d.safetensors", shard);
    }

    /** The layout of a shard's tensors, sorted as in its file. */
    SafetensorsLayout layout(long shard) {
        return SafetensorsLayout.of(
                FileTypes.of(tensors.stream()
                        .map(tensor -> new TensorInfo(
                                tensor.name(), tensor.type(), TensorPlan.prepend(rows(shard), tensor.shape())))
                        .toList()),
                METADATA);
    }

    /** The form of a shard of latents. */
    LatentCache.Form form(long shard) {
        LatentShards of = Objects.requireNonNull(latents);
        TensorInfo site = tensors.getFirst();
        return LatentCache.Form.compact(
                Math.toIntExact(rows(shard) / of.window()),
                of.window(),
                Math.toIntExact(site.elements()),
                of.vocabulary(),
                site.type());
    }

    /** Size of a shard; of one of latents, without those that fire. */
    long bytes(long shard) {
        return latents == null
                ? layout(shard).fileBytes()
                : form(shard).layout(0, METADATA).fileBytes();
    }

    /** Whether a shard can have a size. */
    boolean canHave(long shard, long size) {
        return latents == null ? size == bytes(shard) : size >= bytes(shard);
    }

    /** Size of all shards; of latents, without those that fire. */
    long bytes() {
        long last = bytes(shards() - 1);
        return shards() == 1 ? last : Math.addExact(Math.multiplyExact(shards() - 1, bytes(0)), last);
    }

    /** Whether the shards hold what fires, in place of activations. */
    boolean isOfLatents() {
        return latents != null;
    }
}
