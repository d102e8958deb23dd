package dev.hyaline.explorer.live;

import dev.hyaline.analysis.sparse.feature.LatentStudy;
import java.util.function.Supplier;

/**
 * The latents of an autoencoder that a page may show and edit.
 *
 * @param study of the texts that examples come from; made when a page first asks for latents
 * @param options of {@code hyaline sae features} that name the autoencoder and the texts, for commands that are copied
 */
public record ExploredLatents(Supplier<LatentStudy> study, String options) {}
