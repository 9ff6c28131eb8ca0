/* The shortest decimal text that reads back as the same double, from the C++ library: C has no such
 * function, and trying printf at 15, 16 and 17 digits takes twenty-five times as long. The only
 * file that is not C.
 */
#include <charconv>
#include <cmath>

#include "real.h"

/* Where printf's %.15g has an exponent, too. */
static bool is_moderate(double magnitude)
{
    return magnitude == 0 || (magnitude >= 1e-5 && magnitude < 1e15);
}

extern "C" void proto_real_format(char *ret_text, double number)
{
    bool fixed = !std::isfinite(number) || is_moderate(std::fabs(number));
    std::to_chars_result end =
        std::to_chars(ret_text, ret_text + PROTO_REAL_BYTES - 3, number,
                      fixed ? std::chars_format::fixed : std::chars_format::scientific);

    if (number == 0 && std::signbit(number)) { /* "-0" would come back as the integer 0 */
        *end.ptr++ = '.';
        *end.ptr++ = '0';
    }
    *end.ptr = '\0';
}
