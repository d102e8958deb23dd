package dev.hyaline.instrument.run;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Reruns that go through the layers together. The batch stands at a boundary; reruns that can join there enter, and all
 * go on as one ragged batch.
 */
final class RerunBatch {
    /** Consecutive positions of a rerun. */
    private record Member(PendingRerun rerun, int from, int end) {
        int rows() {
            return end - from;
        }
    }

    /** Takes reruns as they finish. */
    interface Finished {
        /**
         * A rerun has gone through the last layer.
         *
         * @param logits of the positions that ran among those it asks for, {@code [positions, columns]}
         */
        void finished(PendingRerun rerun, float[] logits);
    }

    /** Logits of a pass by row; the columns are of these token ids; none stand for the whole vocabulary. */
    private record PassLogits(ForwardResult result, int[] columns, Map<Integer, Integer> indexOfToken) {
        static PassLogits of(ForwardResult result, int[] columns) {
            Map<Integer, Integer> indexOfToken = new HashMap<>();
            for (int i = 0; i < columns.length; i++) {
                indexOfToken.put(columns[i], i);
            }
            return new PassLogits(result, columns, indexOfToken);
        }

        /** Some of the rows, with the columns that a rerun asks for. */
        float[] rows(PendingRerun rerun, int firstRow, int rows) {
            int width = result.columns();
            int[] asked = rerun.columns();
            if (Arrays.equals(asked, columns)) {
                return Arrays.copyOfRange(result.logits(), firstRow * width, (firstRow + rows) * width);
            }
            int[] indices = columns.length == 0
                    ? asked
                    : IntStream.of(asked).map(indexOfToken::get).toArray();
            float[] logits = new float[Math.multiplyExact(rows, indices.length)];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = result.logits()[(firstRow + i / indices.length) * width + indices[i % indices.length]];
            }
            return logits;
        }
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

    /** Adds reruns of one restart point, which join at the boundary where the batch stands. */
    void enter(RestartPoint restart, List<PendingRerun> reruns) {
        List<Member> entering = reruns.stream()
                .map(rerun -> new Member(rerun, rerun.first(), rerun.length()))
                .toList();
        float[] rows = rowsOf(restart, entering);
        if (restart.first().site() == Site.Z) {
            entering.forEach(member -> multiplyAdds += MultiplyAdds.attentionOut(config, member.rows()));
        }
        int before = residual.length;
        residual = Arrays.copyOf(residual, before + rows.length);
        System.arraycopy(rows, 0, residual, before, rows.length);
        members.addAll(entering);
    }

    /** The entering members' residual stream at the boundary where the batch stands. */
    private float[] rowsOf(RestartPoint restart, List<Member> entering) {
        if (restart.isEmbedding()) {
            return run.model().forward(request(entering).to(at)).residual();
        }
        Boundary from = restart.from(config);
        float[] rows = gather(entering, sequence -> run.rows(from, sequence));
        if (restart.branch().isEmpty()) {
            return rows;
        }
        float[] branch = gather(entering, sequence -> run.rows(restart.first(), sequence));
        return run.model()
                .forward(request(entering).from(restart.first(), rows, branch).to(at))
                .residual();
    }

    /** Advances to a later boundary. */
    void advance(Boundary to) {
        if (to.equals(at)) {
            return;
        }
        // In place: the pass has read the rows before it writes them.
        run.model().forward(request(members).from(at, residual).to(to), residual);
        members.forEach(member -> multiplyAdds += steps(member, at, to));
        at = to;
    }

    /** Advances to the end and forms the logits that were asked for. */
    void finish(Finished finished) {
        List<PendingRerun> reruns =
                members.stream().map(Member::rerun).distinct().toList();
        boolean read = reruns.stream().anyMatch(rerun -> rerun.reading().isPresent());
        if (!read && at.compareTo(last) <= 0) {
            advance(last);
            keepAskedRows();
        }
        if (members.isEmpty()) {
            reruns.forEach(rerun -> finished.finished(rerun, new float[0]));
            return;
        }
        PassLogits logits = unembed();
        int row = 0;
        for (PendingRerun rerun : reruns) {
            int rows = (int) asked(rerun, rerun.first(), rerun.length()).count();
            finished.finished(rerun, rows == 0 ? new float[0] : logits.rows(rerun, row, rows));
            row += rows;
        }
    }

    private PassLogits unembed() {
        int[] rows = logitRows();
        int[] columns = columns();
        LogitSelection selection = LogitSelection.rows(rows);
        ForwardResult result = run.model()
                .forward(request(members)
                        .from(at, residual)
                        .logits(columns.length == 0 ? selection : selection.columns(columns)));
        members.forEach(member -> multiplyAdds += steps(member, at, Boundary.last(config)));
        multiplyAdds += MultiplyAdds.unembedding(config, rows.length, result.columns());
        return PassLogits.of(result, columns);
    }

    /** Drops the rows that nobody asks for: after the last attention no row depends on another. */
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
                if (before != null && before.rerun == member.rerun && before.end == position) {
                    kept.set(kept.size() - 1, new Member(member.rerun, before.from, position + 1));
                } else {
                    kept.add(new Member(member.rerun, position, position + 1));
                }
            }
            firstRow += member.rows();
        }
        members = kept;
        residual = Arrays.copyOf(rows, count * config.dModel());
    }

    private static IntStream asked(Member member) {
        return asked(member.rerun, member.from, member.end);
    }

    /** Positions from {@code from} to {@code end} whose logits a rerun asks for. */
    private static IntStream asked(PendingRerun rerun, int from, int end) {
        return IntStream.of(rerun.positions()).filter(position -> position >= from && position < end);
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

    /** Token ids of all columns that are asked for; empty for the whole vocabulary. */
    private int[] columns() {
        Set<Integer> columns = new LinkedHashSet<>();
        for (Member member : members) {
            int[] asked = member.rerun.columns();
            if (asked.length == 0 || member.rerun.writesLogits()) {
                return new int[0];
            }
            for (int token : asked) {
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
            PendingRerun rerun = member.rerun;
            int[] tokens = run.prompts().tokens(rerun.sequence());
            probe.add(batch.size(), rerun.edits());
            reader.add(batch.size(), rerun);
            batch.add(Sequence.after(
                    run.cache(rerun.sequence()), member.from, Arrays.copyOfRange(tokens, member.from, member.end)));
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
                    rowsOfSequence.apply(member.rerun.sequence()), member.from * d, rows, to, member.rows() * d);
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
