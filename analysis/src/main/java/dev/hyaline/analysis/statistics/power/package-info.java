/** How many units a study needs, what it could show with those there are, and bounds for looking before its end. */
package dev.hyaline.analysis.statistics.power;
