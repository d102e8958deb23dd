package dev.hyaline.instrument.dump;

import dev.hyaline.files.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import tools.jackson.core.JsonGenerator;

/**
 * The corpus of a plan: its files, where reading can begin in them, and what was counted.
 *
 * @param splits in the order of the files, without a gap
 * @param totals of all files, as they are and not as the model reads them
 */
record PlannedCorpus(List<PlannedFile> files, List<PlannedSplit> splits, CorpusCounts totals) {
    PlannedCorpus {
        files = List.copyOf(files);
        splits = List.copyOf(splits);
    }

    /** Reads the corpus of a plan. */
    static PlannedCorpus of(Json plan) {
        Json corpus = plan.require("request").require("corpus");
        List<PlannedFile> files =
                corpus.require("files").elements().stream().map(PlannedFile::of).toList();
        Json totals = plan.require("totals");
        PlanJson.requireKeys(totals, "documents", "tokens", "candidates");
        PlannedCorpus read =
                new PlannedCorpus(files, splits(plan.require("splits").elements()), PlanJson.counts(totals));
        if (read.splits.isEmpty()
                || read.splits.getLast().file() != files.size() - 1
                || !read.splits.getFirst().before().equals(CorpusCounts.NONE)) {
            throw corpus.require("files").expected("one file or more, each with its splits");
        }
        requireOrder(corpus, read.splits.getLast().before(), read.totals);
        return read;
    }

    private static List<PlannedSplit> splits(List<Json> listed) {
        List<PlannedSplit> read = new ArrayList<>(listed.size());
        CorpusCounts before = CorpusCounts.NONE;
        for (Json json : listed) {
            PlannedSplit split = PlannedSplit.of(json);
            PlannedSplit last = read.isEmpty() ? null : read.getLast();
            boolean goesOn = last != null
                    && split.file() == last.file()
                    && split.offset() == last.offset() + last.bytes()
                    && split.lines() > last.lines();
            boolean begins =
                    split.file() == (last == null ? 0 : last.file() + 1) && split.offset() == 0 && split.lines() == 0;
            if (!goesOn && !begins) {
                throw json.expected("the split after the one before, or the first of the next file");
            }
            requireOrder(json, before, split.before());
            before = split.before();
            read.add(split);
        }
        return read;
    }

    private static void requireOrder(Json json, CorpusCounts before, CorpusCounts after) {
        if (after.documents() < before.documents()
                || after.tokens() < before.tokens()
                || after.candidates() < before.candidates()) {
            throw json.expected("counted at least as far as the splits before it");
        }
    }

    /** Writes what the model reads of the corpus, and its files. */
    void write(CorpusDump dump, JsonGenerator json) {
        CorpusCounts run = run(dump);
        json.writeNumberProperty("documents", run.documents());
        json.writeNumberProperty("tokens", run.tokens());
        if (totals.tokens() != run.tokens()) {
            json.writeNumberProperty("dropped_tokens", totals.tokens() - run.tokens());
        }
        json.writeArrayPropertyStart("files");
        files.forEach(file -> file.write(json));
        json.writeEndArray();
    }

    /** Writes the totals and the splits. */
    void writeSplits(JsonGenerator json) {
        json.writeObjectPropertyStart("totals");
        PlanJson.write(totals, json);
        json.writeEndObject();
        json.writeArrayPropertyStart("splits");
        splits.forEach(split -> split.write(json));
        json.writeEndArray();
    }

    /** Counts what the model reads: documents or, if they are packed, windows. */
    CorpusCounts run(CorpusDump dump) {
        if (dump.context().isEmpty()) {
            return totals;
        }
        int window = dump.context().getAsInt();
        long windows = totals.tokens() / window;
        return new CorpusCounts(windows, windows * window, windows * perWindow(dump, window));
    }

    private static int perWindow(CorpusDump dump, int window) {
        return dump.filter().positions().in(window, "position").length;
    }

    /**
     * Where to begin to read.
     *
     * @param split the last one that begins no later than the first row's document or window
     * @param before counts of what comes before the first document or window that is read
     * @param skipped tokens of the split before the first window
     */
    record Begin(int split, CorpusCounts before, long skipped) {}

    /** Finds where a part begins to read that writes rows from the first one on. */
    Begin begin(CorpusDump dump, long firstRow) {
        int every = dump.filter().every();
        if (dump.context().isEmpty()) {
            int split = lastSplit(at -> at.rows(every) <= firstRow);
            return new Begin(split, splits.get(split).before(), 0);
        }
        int context = dump.context().getAsInt();
        int perWindow = perWindow(dump, context);
        // Row r is that of candidate r * every.
        long window = Math.multiplyExact(firstRow, every) / perWindow;
        long token = window * context;
        int split = lastSplit(at -> at.tokens() <= token);
        return new Begin(
                split,
                new CorpusCounts(window, token, window * perWindow),
                token - splits.get(split).before().tokens());
    }

    private int lastSplit(Predicate<CorpusCounts> reached) {
        int low = 0;
        int high = splits.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (reached.test(splits.get(middle).before())) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}
