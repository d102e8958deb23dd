package dev.hyaline.instrument.internal.edit;

import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.DeclaredEdit.Affine;
import dev.hyaline.engine.site.DeclaredEdit.Columns;
import dev.hyaline.engine.site.DeclaredEdit.HeadSwap;
import dev.hyaline.engine.site.DeclaredEdit.Selection;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Placements as data that a device can act on. */
public final class DeclaredEdits {
    private static final int[] ONE_PLACE = {0};

    private DeclaredEdits() {}

    /**
     * Returns whether a placement can be said as data: it is no Java function, no projection of a part of its places, no
     * swap in a subspace and no multiplication by 0, which a declared factor of 0 is not where a value is not finite.
     */
    public static boolean isDeclarable(BoundEdit placement) {
        return switch (placement.intervention()) {
            case Intervention.Custom function -> false;
            case Intervention.Scale scale -> scale.factor() != 0;
            case Intervention.ProjectOut out -> placement.components() == null && placement.subspace() == null;
            case Intervention.SwapHeads swap -> placement.subspace() == null;
            default -> true;
        };
    }

    /**
     * What a declarable placement does to the places that are present; empty if none is.
     *
     * @param slot the sequence of the pass
     */
    public static Optional<DeclaredEdit> of(BoundEdit placement, SlotAccess places, int slot) {
        int[] present = IntStream.of(placement.positions()).filter(places::has).toArray();
        if (present.length == 0) {
            return Optional.empty();
        }
        int[] heads = placement.point().site().shape().byHead() ? placement.heads() : ONE_PLACE;
        int[] components = placement.components();
        Columns columns = components == null ? new Columns.All() : new Columns.Chosen(components);
        Selection where = new Selection(slot, present, heads, columns);
        List<float[]> directions =
                placement.subspace() == null ? List.of() : placement.subspace().floats();
        return Optional.of(
                switch (placement.intervention()) {
                    case Intervention.Zero zero -> new Affine(where, 0, List.of(), directions);
                    case Intervention.Scale scale -> new Affine(where, scale.factor(), List.of(), directions);
                    case Intervention.ProjectOut out ->
                        new Affine(where, 0, List.of(), placement.removed().floats());
                    case Intervention.SwapHeads swap -> new HeadSwap(where);
                    case Intervention.Add add -> new Affine(where, 1, addends(placement, present), directions);
                    case Intervention.Noise noise -> new Affine(where, 1, addends(placement, present), directions);
                    case Intervention.Mean mean -> new Affine(where, 0, addends(placement, present), directions);
                    case Intervention.Resample resample ->
                        new Affine(where, 0, addends(placement, present), directions);
                    case Intervention.Patch patch -> new Affine(where, 0, addends(placement, present), directions);
                    case Intervention.Write set -> new Affine(where, 0, addends(placement, present), directions);
                    case Intervention.Custom function -> throw new AssertionError(function);
                });
    }

    /** What is written, or added: the change of zeros. */
    private static List<float[]> addends(BoundEdit placement, int[] positions) {
        List<float[]> addends = new ArrayList<>();
        Map<Object, float[]> shared = new HashMap<>();
        for (int position : positions) {
            for (int head : placement.heads()) {
                Slot place = new Slot(placement.point(), placement.sequence(), position, head);
                float[] addend = shared.get(sharedBy(placement, place));
                if (addend == null) {
                    addend = new float[placement.width(position)];
                    placement.change().change(place, addend);
                    shared.put(sharedBy(placement, place), addend);
                }
                addends.add(addend);
            }
        }
        return addends;
    }

    /** Equal for places that get the same values. */
    private static Object sharedBy(BoundEdit placement, Slot place) {
        return switch (placement.intervention()) {
            case Intervention.Write set -> placement.width(place.position());
            case Intervention.Add add -> placement.width(place.position());
            case Intervention.Mean mean when !mean.means().isByPosition() -> place.head();
            default -> place;
        };
    }
}
