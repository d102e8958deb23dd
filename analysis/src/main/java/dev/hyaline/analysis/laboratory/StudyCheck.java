package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.PromptPlan;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.prompt.PairFile;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.power.Power;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What can be said of an investigation's prompts before any model is run.
 *
 * @param facts in sentences
 * @param warnings in sentences: what will keep the study from an answer
 */
public record StudyCheck(List<String> facts, List<String> warnings) {
    /** A claim that takes more than so many standard deviations is a bold one. */
    private static final double LARGE = 1;

    public StudyCheck {
        facts = List.copyOf(facts);
        warnings = List.copyOf(warnings);
    }

    /**
     * Draws the prompts, and says how many units there are, how large an effect they can show, and which roles that
     * claims name they lack.
     *
     * @param file that was read; its folder is that of the file of pairs or dumped corpus, if it names one
     * @param encoder null of a model without a tokenizer
     * @throws BadInputException if the prompts cannot be drawn; or, naming the line, if a role that is named is one
     *     that no prompt has, or the metric's is one that some lack
     */
    public static StudyCheck of(Path file, Investigation investigation, @Nullable PromptEncoder encoder) {
        Path pairsFolder = Objects.requireNonNullElse(file.getParent(), Path.of(""));
        StudyAutoencoders.read(investigation, pairsFolder);
        PromptDraw draw = new PromptDraw(investigation, pairs(investigation, pairsFolder), encoder);
        requireRoles(file, investigation, draw.examples());
        StudyPrompts prompts = draw.draw();
        List<PromptPair> heldOut =
                prompts.all().pairs().subList(prompts.discovery(), prompts.all().size());
        Units units = Units.of(
                heldOut.stream().map(pair -> String.valueOf(pair.unit())).toList());
        List<String> facts = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        facts.add("There are " + prompts.discovery() + " pairs for discovery and " + heldOut.size() + " held out, in "
                + units.count() + " units.");
        if (units.count() < investigation.minUnits()) {
            warnings.add("no result can confirm the primary claims, which takes at least " + investigation.minUnits()
                    + " units.");
        } else {
            double least = power(investigation, heldOut.size(), units.count());
            String power = "a claim is confirmed with a chance of "
                    + investigation.design().power() + " where the true effect is beyond its number by "
                    + String.format(Locale.ROOT, "%.2g", least) + " standard deviations of a prompt's.";
            if (least > LARGE) {
                warnings.add("the power is low: " + power);
            } else {
                facts.add("A" + power.substring(1));
            }
        }
        for (Claim claim : investigation.claims()) {
            for (String role : claim.roles().stream()
                    .filter(role -> !role.equals(PromptPair.END))
                    .toList()) {
                long without = prompts.all().pairs().stream()
                        .filter(pair -> !pair.roles().containsKey(role))
                        .count();
                if (without > 0) {
                    warnings.add("claim " + Printable.quoted(claim.name()) + " names the role "
                            + Printable.plain(role) + ", which " + without + " of "
                            + prompts.all().size() + " prompts lack.");
                }
            }
        }
        return new StudyCheck(facts, warnings);
    }

    private static void requireRoles(Path file, Investigation investigation, List<PromptPair> pairs) {
        Set<String> known = new TreeSet<>(Set.of(PromptPair.END));
        pairs.forEach(pair -> known.addAll(pair.roles().keySet()));
        Function<String, String> unknown = role ->
                "no prompt has the role " + Printable.plain(role) + "; expected one of " + String.join(", ", known);
        List<Function<RolePlaces, String>> faults = new ArrayList<>();
        String at = investigation.behaviour().at();
        long without = pairs.stream()
                .filter(pair -> !at.equals(PromptPair.END) && !pair.roles().containsKey(at))
                .count();
        if (without > 0) {
            String fault = known.contains(at)
                    ? without + " of " + pairs.size() + " prompts lack the role " + Printable.plain(at)
                    : unknown.apply(at);
            faults.add(places -> places.inSection("behaviour", "at", at, fault));
        }
        String units = investigation.prompts().units();
        if (units != null && !units.equals(PromptPlan.EACH) && !known.contains(units)) {
            faults.add(places -> places.inSection("prompts", "units", units, unknown.apply(units)));
        }
        for (String role : investigation.prompts().splitBy()) {
            if (!known.contains(role)) {
                faults.add(places -> places.inSection("prompts", "split_by", role, unknown.apply(role)));
            }
        }
        for (int i = 0; i < investigation.claims().size(); i++) {
            int claim = i;
            for (String role : investigation.claims().get(i).roles()) {
                if (!known.contains(role)) {
                    faults.add(places -> places.inClaim(claim, role, unknown.apply(role)));
                }
            }
        }
        if (!faults.isEmpty()) {
            RolePlaces places = new RolePlaces(file);
            throw BadInputException.of(
                    faults.stream().map(fault -> fault.apply(places)).toList());
        }
    }

    private static @Nullable PairFile pairs(Investigation investigation, Path folder) {
        String source = investigation.prompts().source();
        if (source == null) {
            return null;
        }
        return investigation.prompts().corpus() == null
                ? PairFile.read(folder.resolve(source))
                : PairFile.parse(
                        source,
                        new String(
                                CorpusPairs.json(folder.resolve(source), investigation.prompts(), investigation.seed()),
                                StandardCharsets.UTF_8));
    }

    /** The distance from the claimed number that such prompts show with the wanted power, in standard deviations. */
    private static double power(Investigation investigation, int pairs, int units) {
        TestDesign design = investigation.design();
        double level = design.alpha() / investigation.primaryClaims().size();
        int perUnit = Math.max(1, (int) Math.rint((double) pairs / units));
        double low = 0;
        double high = 1e3;
        for (int step = 0; step < 60; step++) {
            double middle = (low + high) / 2;
            if (Power.ofUnits(middle, 1, 0, perUnit, units, level) < design.power()) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }
}
