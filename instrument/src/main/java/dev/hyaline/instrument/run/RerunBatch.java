package dev.hyaline.instrument.run;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Cells on their way through the layers together. It stands at a boundary; cells whose cut joins there come in, and all
 * go on as one ragged batch.
 */
final class RerunBatch {
    /** Consecutive positions of a cell. */
    private record Member(PendingRerun cell, int from, int end) {
        int rows() {
            return end - from;
        }
    }

    /** Told about each cell when it is through. */
    interface Finished {
        /**
         * A cell is through.
         *
         * @param result logits of the rows that ran; null if no cell asked for any
         * @param firstRow the cell's first row among those
         * @param columns token ids of the result's columns, or null for all
         */
        void cell(PendingRerun cell, ForwardResult result, int firstRow, int[] columns);
    }

    private final BaseRun run;
    private final Gpt2Config config;
    private final Boundary last;
    private List<Member> members = new ArrayList<>();
    private float[] residual = {};
    private Boundary at;
    private long multiplyAdds;

    RerunBatch(BaseRun run, Boundary at) {
        this.run = run;
        this.config = run.config();
        this.at = at;
        this.last = Boundary.last(config).previous();
    }

    int rows() {
        return members.stream().mapToInt(Member::rows).sum();
    }

    /** Multiply-adds since this was last asked. */
    long takeMultiplyAdds() {
        long taken = multiplyAdds;
        multiplyAdds = 0;
        return taken;
    }

    /** Takes in cells of one cut, which joins where the wave stands. */
    void enter(RestartPoint cut, List<PendingRerun> cells) {
        List<Member> entering = cells.stream()
                .map(cell -> new Member(cell, cell.first(), cell.length()))
                .toList();
        float[] rows = rowsOf(cut, entering);
        if (cut.first().site() == Site.Z) {
            entering.forEach(member -> multiplyAdds += MultiplyAdds.attentionOut(config, member.rows()));
        }
        int before = residual.length;
        residual = Arrays.copyOf(residual, before + rows.length);
        System.arraycopy(rows, 0, residual, before, rows.length);
        members.addAll(entering);
    }

    /** The entering members' residual stream where the wave stands. */
    private float[] rowsOf(RestartPoint cut, List<Member> entering) {
        if (cut.isEmbedding()) {
            return run.model().forward(request(entering).to(at)).residual();
        }
        Boundary from = cut.from(config);
        float[] rows = gather(entering, sequence -> run.rows(from, sequence));
        if (cut.branch().isEmpty()) {
            return rows;
        }
        float[] branch = gather(entering, sequence -> run.rows(cut.first(), sequence));
        return run.model()
                .forward(request(entering)
                        .from(cut.first(), rows, branch)
                        .to(at))
                .residual();
    }

    /** Goes on to a later boundary. */
    void advance(Boundary to) {
        if (to.equals(at)) {
            return;
        }
        residual =
                run.model().forward(request(members).from(at, residual).to(to)).residual();
        members.forEach(member -> multiplyAdds += steps(member, at, to));
        at = to;
    }

    /** Goes on to the end and forms the logits that were asked for. */
    void finish(Finished finished) {
        List<PendingRerun> cells = members.stream().map(Member::cell).distinct().toList();
        boolean read = cells.stream().anyMatch(cell -> cell.reading().isPresent());
        if (!read && at.compareTo(last) <= 0) {
            advance(last);
            keepAskedRows();
        }
        int[] columns = columns();
        ForwardResult result = members.isEmpty() ? null : unembed(columns);
        int row = 0;
        for (PendingRerun cell : cells) {
            finished.cell(cell, result, row, columns);
            row += (int) asked(cell, cell.first(), cell.length()).count();
        }
    }

    private ForwardResult unembed(int[] columns) {
        int[] rows = logitRows();
        LogitSelection selection = LogitSelection.rows(rows);
        ForwardResult result = run.model()
                .forward(request(members)
                        .from(at, residual)
                        .logits(columns == null ? selection : selection.columns(columns)));
        members.forEach(member -> multiplyAdds += steps(member, at, Boundary.last(config)));
        multiplyAdds += MultiplyAdds.unembedding(config, rows.length, result.columns());
        return result;
    }

    /** After the last attention every row goes its own way: those nobody asked for are let go. */
    private void keepAskedRows() {
        List<Member> kept = new ArrayList<>();
        float[] rows = new float[residual.length];
        int count = 0;
        int firstRow = 0;
        for (Member member : members) {
            for (int position : asked(member).toArray()) {
                System.arraycopy(
                        residual,
                        (firstRow + position - member.from) * config.dModel(),
                        rows,
                        count++ * config.dModel(),
                        config.dModel());
                Member before = kept.isEmpty() ? null : kept.getLast();
                if (before != null && before.cell == member.cell && before.end == position) {
                    kept.set(kept.size() - 1, new Member(member.cell, before.from, position + 1));
                } else {
                    kept.add(new Member(member.cell, position, position + 1));
                }
            }
            firstRow += member.rows();
        }
        members = kept;
        residual = Arrays.copyOf(rows, count * config.dModel());
    }

    private static IntStream asked(Member member) {
        return asked(member.cell, member.from, member.end);
    }

    /** Positions from {@code from} to {@code end} whose logits a cell asks for. */
    private static IntStream asked(PendingRerun cell, int from, int end) {
        return IntStream.of(cell.positions()).filter(position -> position >= from && position < end);
    }

    private int[] logitRows() {
        IntStream.Builder rows = IntStream.builder();
        int firstRow = 0;
        for (Member member : members) {
            int shift = firstRow - member.from;
            asked(member).forEach(position -> rows.add(position + shift));
            firstRow += member.rows();
        }
        return rows.build().toArray();
    }

    /** Every column that a cell asks for; null for all. */
    private int[] columns() {
        Set<Integer> columns = new LinkedHashSet<>();
        for (Member member : members) {
            if (member.cell.columns() == null || member.cell.writesLogits()) {
                return null;
            }
            for (int token : member.cell.columns()) {
                columns.add(token);
            }
        }
        return columns.stream().mapToInt(Integer::intValue).toArray();
    }

    private ForwardRequest request(List<Member> members) {
        List<Sequence> batch = new ArrayList<>(members.size());
        InterventionProbe.Builder probe = InterventionProbe.builder();
        RerunReader reader = new RerunReader();
        for (Member member : members) {
            PendingRerun cell = member.cell;
            int[] tokens = run.prompts().tokens(cell.sequence());
            probe.add(batch.size(), cell.placements());
            reader.add(batch.size(), cell);
            batch.add(Sequence.after(
                    run.cache(cell.sequence()), member.from, Arrays.copyOfRange(tokens, member.from, member.end)));
        }
        return ForwardRequest.of(batch).probe(probe.build().then(reader));
    }

    /** The members' part of the base run's rows of their sequences, member after member. */
    private float[] gather(List<Member> members, IntFunction<float[]> rowsOfSequence) {
        int d = config.dModel();
        float[] rows = new float[members.stream().mapToInt(Member::rows).sum() * d];
        int to = 0;
        for (Member member : members) {
            System.arraycopy(
                    rowsOfSequence.apply(member.cell.sequence()), member.from * d, rows, to, member.rows() * d);
            to += member.rows() * d;
        }
        return rows;
    }

    private long steps(Member member, Boundary from, Boundary to) {
        long sum = 0;
        for (Boundary at : from.upTo(to)) {
            sum += MultiplyAdds.stage(at.stage(config), config, member.from, member.end);
        }
        return sum;
    }
}
