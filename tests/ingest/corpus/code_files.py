"""Source code in several languages, each file with a question that it answers."""

SOURCES = """\
== tides.py | height of the spring tide at full moon | spring_tide
'''Tides.'''


def spring_tide(moon):
    '''Return the height of the spring tide at full moon.'''
    return moon * 2
== winch.js | release the drum brake of the winch | releaseDrumBrake
// Releases the drum brake of the winch.
function releaseDrumBrake(winch) {
  return winch.brake(false);
}
== gate.ts | open the sluice gate | openSluice
/** Opens the sluice gate by a fraction. */
export function openSluice(gate: number): number {
  return gate;
}
== Beacon.java | swing the prism of the beacon | swingPrism
/** Lights a beacon. */
class Beacon {
  /** Swings the prism of the beacon. */
  int swingPrism() { return 1; }
}
== Loom.cs | throw the shuttle of the loom | ThrowShuttle
/// Weaves.
class Loom {
  /// Throws the shuttle of the loom.
  int ThrowShuttle() { return 1; }
}
== keel.go | lay the hull over to scrape barnacles | Careen
package keel

// Careen lays the hull over to scrape barnacles.
func Careen() int { return 1 }
== forge.rs | quench the hot blade in oil | quench_blade
/// Quenches the hot blade in oil.
fn quench_blade() -> u8 {
    1
}
== pump.c | prime the bilge pump | prime_bilge
/* Primes the bilge pump with sea water. */
int prime_bilge(void) { return 1; }
== sail.cpp | reef the mainsail | reef_mainsail
// Reefs the mainsail to the second cringle.
int reef_mainsail() { return 2; }
== orchard.rb | prune the espalier pears | prune_espalier
# Prunes the espalier pears.
def prune_espalier
  1
end
== mill.sh | dress the millstone furrows | dress_millstone
# Dresses the millstone furrows.
dress_millstone() {
  echo ok
}
== rates.sql | harbour dues by tonnage | harbour_dues
-- Harbour dues by tonnage of the vessel.
CREATE TABLE harbour_dues (tonnage INT, dues INT);
== deploy.yaml | how many foghorns sound at once | foghorns: 3
# How many foghorns sound at once.
foghorns: 3
== app.toml | sampling rate of the hydrophone | hydrophone_hz
# The hydrophone's sampling rate
hydrophone_hz = 96000
"""
"""Source code. Above each file stand its name, a question, and a word of the passage that answers it."""
