/**
 * The words of Conveyor CI's SDK, so that a driver written for it needs an edit or two. docs/porting-a-driver.md shows
 * which.
 */
package ug.open.conveyor.runtime;
