package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.edit.Intervention;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Which latents matter for a behaviour: a sweep whose cells are latents or error terms, each ablated in the clean run
 * while all else that the autoencoder adds to its site stays, so that nothing else changes.
 */
public final class LatentSweep implements Sweep {
    private final String axis;
    private final List<SpliceNode> nodes;

    private LatentSweep(String axis, List<SpliceNode> nodes) {
        this.axis = axis;
        this.nodes = List.copyOf(nodes);
    }

    /**
     * Ablates latents of one autoencoder, one by one.
     *
     * @throws BadInputException if one is not there
     */
    public static LatentSweep of(Attachment attachment, int... latents) {
        requireSome(latents.length);
        return new LatentSweep(
                "latent",
                Arrays.stream(latents)
                        .mapToObj(latent -> SpliceNode.latent(attachment, latent))
                        .toList());
    }

    /** Ablates nodes of one or several autoencoders, one by one; transcoders and those of all heads among them. */
    public static LatentSweep of(List<SpliceNode> nodes) {
        requireSome(nodes.size());
        return new LatentSweep("node", nodes);
    }

    private static void requireSome(int nodes) {
        if (nodes == 0) {
            throw new BadInputException("a sweep needs at least one latent");
        }
    }

    /** The nodes of the cells. */
    public List<SpliceNode> nodes() {
        return nodes;
    }

    private List<Attachment> attachments() {
        return nodes.stream().map(SpliceNode::attachment).distinct().toList();
    }

    @Override
    public String title() {
        return "Ablation of " + axis + "s at "
                + attachments().stream().map(Attachment::place).collect(Collectors.joining("; "));
    }

    @Override
    public String key() {
        return title()
                + attachments().stream()
                        .map(attachment -> " " + attachment.autoencoder().metadata() + " "
                                + Arrays.hashCode(
                                        attachment.autoencoder().parameters().decoder()))
                        .collect(Collectors.joining());
    }

    @Override
    public List<Axis> axes() {
        boolean one = attachments().size() == 1;
        return List.of(new Axis(
                axis,
                nodes.stream().map(node -> one ? node.localName() : node.name()).toList()));
    }

    @Override
    public Side base() {
        return Side.CLEAN;
    }

    @Override
    public void requireMadeFor(PairRuns runs) {
        for (Attachment attachment : attachments()) {
            int width = attachment.out().site().shape().width(runs.config());
            int heads = attachment.head().isPresent() ? runs.config().nHeads() : 1;
            if (width != attachment.autoencoder().config().dOut() * heads
                    || attachment.out().layer() >= runs.config().nLayers()) {
                throw new BadInputException(title() + " was made for another model");
            }
        }
    }

    @Override
    public CellEdits edits(PairRuns runs, int group) {
        Map<Attachment, RecordedSplices> recorded = new HashMap<>();
        List<Intervention> interventions = nodes.stream()
                .map(node -> RecordedSplices.areNeeded(node.attachment())
                        ? recorded.computeIfAbsent(node.attachment(), of -> new RecordedSplices(runs, of))
                                .intervention(node.ablated())
                        : node.ablated().intervention())
                .toList();
        return (cell, pair) -> List.of(interventions.get(cell));
    }

    @Override
    public String toString() {
        return axis + ": " + Printable.plural(nodes.size(), "node");
    }
}
