package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Runs of reference prompts, whose values stand in for what is ablated. Pairs of one template have references of their
 * own, so that a mean by position is over prompts in which a position means the same. The model must stay open. Not
 * thread-safe.
 */
public final class ReferenceRuns {
    private final Gpt2 model;
    private final List<Prompts> groups;
    private final int[] groupOfPair;
    private final int[] donors;
    private final List<Map<Site, ActivationSource>> recorded = new ArrayList<>();
    private final List<Map<Site, Means>> byPosition = new ArrayList<>();
    private final List<Map<Site, Means>> overall = new ArrayList<>();
    private final List<Map<Attachment, List<Latents>>> latents = new ArrayList<>();

    private ReferenceRuns(Gpt2 model, List<Prompts> groups, int[] groupOfPair, int[] donors) {
        this.model = model;
        this.groups = List.copyOf(groups);
        this.groupOfPair = groupOfPair.clone();
        this.donors = donors.clone();
        for (int group = 0; group < groups.size(); group++) {
            recorded.add(new EnumMap<>(Site.class));
            byPosition.add(new EnumMap<>(Site.class));
            overall.add(new EnumMap<>(Site.class));
            latents.add(new IdentityHashMap<>());
        }
    }

    /**
     * Given groups of reference prompts.
     *
     * @param groupOfPair the group of each pair
     * @param donors the prompt of the group that each pair is resampled from
     * @throws BadInputException if a pair has no such group or donor
     */
    public static ReferenceRuns of(Gpt2 model, List<Prompts> groups, int[] groupOfPair, int[] donors) {
        if (groupOfPair.length != donors.length) {
            throw new BadInputException("there are groups of " + groupOfPair.length + " pairs and donors of "
                    + donors.length + "; each pair has both");
        }
        for (int pair = 0; pair < donors.length; pair++) {
            int group = BadInputException.requireIndex("group of reference prompts", groupOfPair[pair], groups.size());
            BadInputException.requireIndex(
                    "reference prompt", donors[pair], groups.get(group).size());
        }
        return new ReferenceRuns(model, groups, groupOfPair, donors);
    }

    /**
     * Reference prompts by the pairs' stratum and length. Donors are drawn with the seed.
     *
     * @param references pairs one of whose prompts is the reference
     * @param corrupted whether that is the corrupted one
     * @throws BadInputException if a pair has no reference of its stratum and length
     */
    public static ReferenceRuns byStratum(
            Gpt2 model, PromptPairs pairs, PromptPairs references, boolean corrupted, long seed) {
        Map<String, List<int[]>> byKey = new LinkedHashMap<>();
        for (PromptPair reference : references.list()) {
            byKey.computeIfAbsent(key(reference), key -> new ArrayList<>())
                    .add(corrupted ? reference.corrupted() : reference.clean());
        }
        List<String> keys = List.copyOf(byKey.keySet());
        List<Prompts> groups = byKey.values().stream()
                .map(tokens -> Prompts.of(model.config(), tokens.toArray(int[][]::new)))
                .toList();
        int[] groupOfPair = new int[pairs.size()];
        int[] donors = new int[pairs.size()];
        CounterRandom random = CounterRandom.of(seed).named("donors of resample ablation");
        for (int pair = 0; pair < donors.length; pair++) {
            groupOfPair[pair] = keys.indexOf(key(pairs.get(pair)));
            if (groupOfPair[pair] < 0) {
                throw new BadInputException(Printable.plain(pairs.get(pair).name())
                        + ": there is no reference prompt of its stratum and length, "
                        + pairs.get(pair).length() + " tokens");
            }
            donors[pair] = random.index(pair, groups.get(groupOfPair[pair]).size());
        }
        return new ReferenceRuns(model, groups, groupOfPair, donors);
    }

    private static String key(PromptPair pair) {
        return pair.length() + " " + pair.stratum();
    }

    /** Number of pairs that have a reference. */
    int pairs() {
        return donors.length;
    }

    /** The intervention that replaces a target in a pair's run. */
    Intervention replace(Target target, int pair, Replacement replacement) {
        int group = groupOfPair[pair];
        Site site = target.site();
        return switch (replacement) {
            case ZERO -> Intervention.zero(target);
            case MEAN ->
                Intervention.mean(
                        target, overall.get(group).computeIfAbsent(site, of -> Means.overall(recorded(group, of))));
            case MEAN_BY_POSITION ->
                Intervention.mean(
                        target,
                        byPosition.get(group).computeIfAbsent(site, of -> Means.byPosition(recorded(group, of))));
            case RESAMPLE -> Intervention.patch(target, recorded(group, site), donors[pair]);
        };
    }

    /** The value that replaces a latent's at a position of a pair's run. */
    float latent(Attachment attachment, int latent, int pair, int position, Replacement replacement) {
        if (replacement == Replacement.ZERO) {
            return 0;
        }
        int group = groupOfPair[pair];
        List<Latents> all = latents.get(group).computeIfAbsent(attachment, of -> encode(group, of));
        if (replacement == Replacement.RESAMPLE) {
            return all.get(donors[pair]).get(position, latent);
        }
        double sum = 0;
        long count = 0;
        for (Latents each : all) {
            boolean here = replacement == Replacement.MEAN_BY_POSITION;
            int end = here ? Math.min(position + 1, each.tokens()) : each.tokens();
            for (int token = here ? position : 0; token < end; token++) {
                sum += each.get(token, latent);
                count++;
            }
        }
        if (count == 0) {
            throw new BadInputException("no reference prompt reaches position " + position);
        }
        return (float) (sum / count);
    }

    private List<Latents> encode(int group, Attachment attachment) {
        Prompts prompts = groups.get(group);
        return IntStream.range(0, prompts.size())
                .mapToObj(prompt -> LatentRuns.encode(
                        attachment, recorded(group, attachment.in().site()), prompt, prompts.length(prompt)))
                .toList();
    }

    private ActivationSource recorded(int group, Site site) {
        return recorded.get(group).computeIfAbsent(site, of -> {
            Capture capture = Capture.of(model.config(), of.localName());
            return ActivationCache.record(model, groups.get(group), capture).source();
        });
    }

    @Override
    public String toString() {
        return "reference runs of " + Printable.plural(groups.size(), "group") + " of prompts";
    }
}
