package dev.hyaline.engine.tornado;

import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.DeclaredEdit.Affine;
import dev.hyaline.engine.site.DeclaredEdit.HeadSwap;
import dev.hyaline.engine.site.DeclaredEdit.Selection;
import dev.hyaline.engine.site.Site.Shape;
import dev.hyaline.engine.tornado.DeviceBuffer.Region;
import dev.hyaline.engine.tornado.Operation.BufferChange;
import dev.hyaline.engine.tornado.Operation.ChangeKind;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Makes declared edits on a device: what differs from edit to edit is uploaded as tables, as many places at a time as
 * they have room for.
 */
final class DeviceEdits {
    private final DeviceArrays arrays;
    private final LaunchQueue launches;

    /** @param at index of its first value */
    private record Place(int at, int length) {}

    DeviceEdits(DeviceArrays arrays, LaunchQueue launches) {
        this.arrays = arrays;
        this.launches = launches;
    }

    /** The place of a site's values in a pass. */
    record Where(Region region, Shape shape, Batch batch, int layer) {}

    void make(DeclaredEdit edit, Where where) {
        launches.flush();
        switch (edit) {
            case Affine affine when affine.directions().isEmpty() -> affine(affine, where);
            case Affine affine -> along(affine, where);
            case HeadSwap swap -> swap(swap.where(), where);
        }
    }

    private void affine(Affine edit, Where where) {
        List<Place> places = places(edit.where(), where);
        int[] columns = columns(edit.where(), places);
        header(edit.factor(), where);
        placeColumns(columns);
        for (int done = 0; done < places.size(); ) {
            done = stage(places, edit.addends(), columns, done, EditKernels.STAGED);
            launch(ChangeKind.EDIT, where);
        }
    }

    /** Along some directions after the other: they are orthogonal, so that none changes what lies along the next. */
    private void along(Affine edit, Where where) {
        List<Place> places = places(edit.where(), where);
        int width = places.getFirst().length;
        int[] columns = IntStream.range(0, width).toArray();
        int atOnce = Math.max(1, arrays.sizes.staging() / 2 / width - 1);
        header(edit.factor(), where);
        launches.set(StepField.COUNT, width);
        for (int first = 0; first < edit.directions().size(); first += atOnce) {
            int count = Math.min(atOnce, edit.directions().size() - first);
            for (int k = 0; k < count; k++) {
                DeviceArrays.put(
                        edit.directions().get(first + k), 0, width, arrays.staging, EditKernels.STAGED + k * width);
            }
            launches.set(StepField.DIRECTIONS, count);
            for (int done = 0; done < places.size(); ) {
                done = stage(places, edit.addends(), columns, done, EditKernels.STAGED + count * width);
                launch(ChangeKind.EDIT_ALONG, where);
            }
        }
    }

    private void swap(Selection selection, Where where) {
        List<Place> places = places(selection, where);
        placeColumns(columns(selection, places));
        // A position's two heads are neighbours.
        for (int done = 0; done < places.size(); ) {
            int count = 0;
            for (; done < places.size() && count < DeviceSizes.PLACES; done += 2) {
                place(count++, places.get(done), places.get(done + 1).at);
            }
            launches.set(StepField.PLACES, count);
            launch(ChangeKind.SWAP, where);
        }
    }

    /**
     * Writes places to be edited, and what is added at each, as far as there is room.
     *
     * @param first place
     * @param free where addends may be staged
     * @return the place after the last
     */
    private int stage(List<Place> places, List<float[]> addends, int[] columns, int first, int free) {
        IdentityHashMap<float[], Integer> staged = new IdentityHashMap<>();
        int end = first;
        int at = free;
        for (; end < places.size() && end - first < DeviceSizes.PLACES; end++) {
            int other = 0;
            if (!addends.isEmpty()) {
                float[] addend = addends.get(end);
                Integer found = staged.get(addend);
                if (found == null) {
                    if (at + columns.length > arrays.sizes.staging()) {
                        break;
                    }
                    putColumns(addend, columns, at);
                    staged.put(addend, at);
                    found = at;
                    at += columns.length;
                }
                other = found;
            }
            place(end - first, places.get(end), other);
        }
        launches.set(StepField.PLACES, end - first);
        return end;
    }

    private void header(float factor, Where where) {
        arrays.staging.set(EditKernels.FACTOR, factor);
        // Drivers may compile without infinities, so attention maps have none.
        boolean map = where.shape == Shape.ATTENTION;
        arrays.staging.set(EditKernels.FLOOR, map ? AttentionKernels.MASKED : Float.NEGATIVE_INFINITY);
    }

    private void place(int index, Place place, int other) {
        int at = index * PlaceField.FIELDS;
        arrays.places.set(at + PlaceField.AT, place.at);
        arrays.places.set(at + PlaceField.LENGTH, place.length);
        arrays.places.set(at + PlaceField.OTHER, other);
    }

    /** Columns that a shorter place lacks are left out there. */
    private void putColumns(float[] addend, int[] columns, int at) {
        for (int i = 0; i < columns.length && columns[i] < addend.length; i++) {
            arrays.staging.set(at + i, addend[columns[i]]);
        }
    }

    private void placeColumns(int[] columns) {
        for (int i = 0; i < columns.length; i++) {
            arrays.placeColumns.set(i, columns[i]);
        }
        launches.set(StepField.COUNT, columns.length);
    }

    private void launch(ChangeKind kind, Where where) {
        launches.launch(new BufferChange(kind, where.region.buffer()), where.layer, where.batch.rows());
    }

    /** Columns that any of the places has. */
    private static int[] columns(Selection selection, List<Place> places) {
        int widest = places.stream().mapToInt(Place::length).max().orElse(0);
        return selection.columns().within(widest);
    }

    private List<Place> places(Selection selection, Where where) {
        List<Place> places = new ArrayList<>();
        int heads = where.shape.byHead() ? arrays.config.nHeads() : 1;
        int length = where.shape.width(arrays.config) / heads;
        int s = selection.sequence();
        for (int position : selection.positions()) {
            int row = where.batch.firstRow()[s] + position - where.batch.start()[s];
            for (int head : selection.heads()) {
                places.add(
                        where.shape == Shape.ATTENTION
                                ? new Place(map(row, head), position + 1)
                                : new Place(where.region.base() + (row * heads + head) * length, length));
            }
        }
        return places;
    }

    private int map(int row, int head) {
        int at = row * RowField.FIELDS;
        return arrays.rows.get(at + RowField.MAP) + head * arrays.rows.get(at + RowField.MAP_STRIDE);
    }
}
