package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.PromptPlan;
import dev.hyaline.analysis.investigation.StudyPlan.ReferencePrompts;
import dev.hyaline.analysis.prompt.PairFile;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The prompts of a study: drawn for a task, or a file's; split, and with their reference prompts. */
final class PromptDraw {
    /** Reference prompts of a stratum that are drawn, not taken from the pairs. */
    private static final int REFERENCES = 16;
    /** Candidates are drawn up to so many times the pairs that are asked for. */
    private static final int MAX_CANDIDATES = 64;

    /** Pairs of a task that show which roles it has. */
    private static final int EXAMPLES = 16;

    /** Prompts of each task that should not suffer. */
    private static final int OTHERS = 24;

    private static final String TEMPLATE = "template";
    private static final String ORDER = "order";

    private final Investigation investigation;
    private final PromptPlan plan;
    private final @Nullable PairFile file;
    private final @Nullable PromptEncoder encoder;

    PromptDraw(Investigation investigation, @Nullable PairFile file, @Nullable PromptEncoder encoder) {
        this.investigation = investigation;
        this.plan = investigation.prompts();
        this.file = file;
        this.encoder = encoder;
    }

    StudyPrompts draw() {
        PromptSplit split = file == null ? ofTask() : ofFile(file);
        List<PromptPair> pairs = new ArrayList<>(split.discovery());
        pairs.addAll(split.heldOut());
        Leakage leakage = Leakage.between(split.discovery(), split.heldOut());
        if (leakage.prompts() > 0) {
            throw new BadInputException("the discovery half and the held-out one share " + leakage.prompts()
                    + " prompts; a claim is tested on prompts that it was not found on");
        }
        return new StudyPrompts(
                withReferences(pairs, split.discovery(), plan.reference()),
                split.discovery().size(),
                leakage);
    }

    /** Pairs that have every role there is: a few of each task, or all of a file. */
    List<PromptPair> examples() {
        if (file != null) {
            return file.encode(encoder == null ? StudyPrompts.NO_ENCODER : encoder);
        }
        List<PromptPair> examples = new ArrayList<>();
        investigation.behaviour().tasks().forEach(task -> examples.addAll(task.draw(required(), EXAMPLES, 1)));
        return examples;
    }

    private PromptSplit ofTask() {
        List<Task> tasks = investigation.behaviour().tasks();
        int wanted = plan.discovery() + plan.heldOut();
        PromptSplit split = null;
        for (int times = 4; times <= MAX_CANDIDATES; times *= 2) {
            int each = Math.min(Task.MAX_PAIRS, Math.ceilDiv(times * wanted, tasks.size()));
            List<PromptPair> candidates = new ArrayList<>();
            for (Task task : tasks) {
                long seed = CounterRandom.of(investigation.seed())
                        .named("prompts")
                        .named(task.toString())
                        .bits(0);
                task.draw(required(), each, seed).forEach(pair -> candidates.add(inUnit(pair)));
            }
            split = split(candidates);
            if (split.discovery().size() == plan.discovery() && split.heldOut().size() == plan.heldOut()) {
                break;
            }
        }
        return Objects.requireNonNull(split);
    }

    /** Prompts of the tasks that should not suffer, by task; their own means stand in for what is ablated. */
    Map<String, PromptSet> others() {
        Map<String, PromptSet> others = new LinkedHashMap<>();
        for (String name : investigation.specificAgainst()) {
            List<PromptPair> pairs = new ArrayList<>();
            for (Task task : tasks(name)) {
                long seed = CounterRandom.of(investigation.seed())
                        .named("others")
                        .named(task.toString())
                        .bits(0);
                pairs.addAll(task.draw(required(), OTHERS, seed));
            }
            others.put(name, withReferences(pairs, pairs, ReferencePrompts.CLEAN));
        }
        return others;
    }

    /** The tasks that a name in an investigation means: {@code ioi} those of both orders. */
    private static List<Task> tasks(String name) {
        return name.equals("ioi")
                ? List.of(Task.IOI_ABBA, Task.IOI_BABA)
                : Arrays.stream(Task.values())
                        .filter(task -> task.toString().equals(name))
                        .toList();
    }

    private PromptSplit split(List<PromptPair> candidates) {
        plan.splitBy().forEach(role -> candidates.forEach(pair -> requireRole("prompts.split_by", pair, role)));
        return PromptSplit.of(
                candidates,
                plan.splitBy(),
                pair -> template(pair) + " " + order(pair),
                plan.discovery(),
                plan.heldOut(),
                investigation.seed());
    }

    private PromptSplit ofFile(PairFile pairFile) {
        List<PromptPair> pairs = new ArrayList<>();
        pairFile.encode(encoder == null ? StudyPrompts.NO_ENCODER : encoder).forEach(pair -> pairs.add(inUnit(pair)));
        List<String> splits = pairFile.splits();
        if (splits.isEmpty()) {
            return split(pairs);
        }
        List<PromptPair> discovery = new ArrayList<>();
        List<PromptPair> heldOut = new ArrayList<>();
        for (int i = 0; i < pairs.size(); i++) {
            (splits.get(i).equals(PromptSplit.Half.DISCOVERY.toString()) ? discovery : heldOut).add(pairs.get(i));
        }
        PromptSplit.require(discovery, PromptSplit.Half.DISCOVERY);
        PromptSplit.require(heldOut, PromptSplit.Half.HELD_OUT);
        return new PromptSplit(discovery, heldOut);
    }

    private PromptEncoder required() {
        if (encoder == null) {
            throw new BadInputException("the model has no tokenizer, which drawing prompts for a task takes; give pairs"
                    + " of token ids as a file");
        }
        return encoder;
    }

    /** Checks that a prompt has a role that the file names; the key is named first. */
    private static void requireRole(String key, PromptPair pair, String role) {
        try {
            pair.position(role);
        } catch (BadInputException e) {
            throw new BadInputException(key + ": " + e.getMessage());
        }
    }

    /** The pair with its unit: as the plan names it, else its own, else one for itself. */
    private PromptPair inUnit(PromptPair pair) {
        String units = plan.units();
        if (units == null) {
            return pair.unit() == null ? pair.ofUnit(ownUnit(pair)) : pair;
        }
        if (units.equals(PromptPlan.EACH)) {
            return pair.ofUnit(ownUnit(pair));
        }
        requireRole("prompts.units", pair, units);
        return pair.ofUnit(units + " " + pair.clean()[pair.position(units)]);
    }

    private static String ownUnit(PromptPair pair) {
        return "prompt " + Arrays.toString(pair.clean());
    }

    private static String template(PromptPair pair) {
        return pair.stratum() == null ? "all" : pair.stratum();
    }

    /** The roles as they come in the prompt, the end left out. */
    static String order(PromptPair pair) {
        return String.join(
                " ",
                pair.roles().entrySet().stream()
                        .filter(role -> !role.getKey().equals(PromptPair.END))
                        .sorted(Map.Entry.<String, Integer>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
                        .map(Map.Entry::getKey)
                        .toList());
    }

    /** What was listed in full and has more than one level; of two that divide the pairs alike, the first. */
    private Map<String, List<String>> factors(List<PromptPair> pairs) {
        Map<String, Function<PromptPair, String>> known = new LinkedHashMap<>();
        known.put(TEMPLATE, PromptDraw::template);
        known.put(ORDER, PromptDraw::order);
        Map<String, List<String>> factors = new LinkedHashMap<>();
        Set<List<Integer>> divisions = new HashSet<>();
        for (String name : plan.strata()) {
            List<String> levels = pairs.stream().map(known.get(name)).toList();
            List<String> distinct = levels.stream().distinct().toList();
            List<Integer> division = levels.stream().map(distinct::indexOf).toList();
            if (distinct.size() > 1 && divisions.add(division)) {
                factors.put(name, levels);
            }
        }
        return factors;
    }

    private PromptSet withReferences(List<PromptPair> pairs, List<PromptPair> discovery, ReferencePrompts reference) {
        Map<String, List<int[]>> groups = new LinkedHashMap<>();
        if (reference == ReferencePrompts.ABC) {
            for (Task task : investigation.behaviour().tasks()) {
                Task unrelated = task == Task.IOI_ABBA ? Task.IOI_ABBA_ABC : Task.IOI_BABA_ABC;
                long seed = CounterRandom.of(investigation.seed())
                        .named("references")
                        .named(task.toString())
                        .bits(0);
                unrelated
                        .draw(required(), REFERENCES, seed)
                        .forEach(pair -> groups.computeIfAbsent(key(pair), key -> new ArrayList<>())
                                .add(pair.corrupted()));
            }
        } else {
            discovery.forEach(pair -> groups.computeIfAbsent(key(pair), key -> new ArrayList<>())
                    .add(reference == ReferencePrompts.CLEAN ? pair.clean() : pair.corrupted()));
        }
        List<String> keys = List.copyOf(groups.keySet());
        List<List<int[]>> references = List.copyOf(groups.values());
        List<Integer> groupOfPair = new ArrayList<>();
        List<Integer> donors = new ArrayList<>();
        for (PromptPair pair : pairs) {
            int group = keys.indexOf(key(pair));
            if (group < 0) {
                throw new BadInputException(Printable.plain(pair.name())
                        + ": there is no reference prompt of its stratum and length, " + pair.length() + " tokens");
            }
            groupOfPair.add(group);
            CounterRandom random =
                    CounterRandom.of(investigation.seed()).named("donors").named(Arrays.toString(pair.clean()));
            donors.add(donor(pair, references.get(group), random));
        }
        return new PromptSet(pairs, factors(pairs), references, groupOfPair, donors);
    }

    /** A reference prompt by lot, other than the pair's own clean one if there is another. */
    private static int donor(PromptPair pair, List<int[]> references, CounterRandom random) {
        int donor = random.index(0, references.size());
        return Arrays.equals(references.get(donor), pair.clean()) ? (donor + 1) % references.size() : donor;
    }

    private static String key(PromptPair pair) {
        return pair.length() + " " + pair.stratum();
    }
}
