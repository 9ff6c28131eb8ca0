/* Continuous task spaces: samples are inside and uniform, the search finds what it should. */
#include <math.h>
#include <string.h>

#include <amf/scorer.h>
#include <amf/space.h>

#include "suite.h"
#include "synthetic.h"

#define COUNT 20000

static const double low[] = {-1, 2, 5}, high[] = {1, 6, 5}, centre[] = {10, -3, 0.5};
static const struct amf_space box = {.kind = AMF_SPACE_BOX, .dim = 3, .low = low, .high = high};
static const struct amf_space sphere = {
    .kind = AMF_SPACE_SPHERE, .dim = 3, .centre = centre, .radius = 2};
static const struct amf_space circle = {
    .kind = AMF_SPACE_CIRCLE, .dim = 2, .centre = centre, .radius = 0.5};

static double points[COUNT * 3];

static void sample(const struct amf_space *space, uint64_t seed, size_t count, double *ret_points)
{
    ck_assert_int_eq(amf_space_sample(space, seed, count, ret_points), AMF_OK);
}

static double distance(const struct amf_space *space, const double *point)
{
    double squares = 0;

    for (size_t d = 0; d < space->dim; d++)
        squares += (point[d] - centre[d]) * (point[d] - centre[d]);
    return sqrt(squares);
}

/* Every bin's share within five standard deviations of an equal one. */
static void expect_equal_shares(const size_t *bins, size_t count)
{
    double share = 1.0 / (double)count, slack = 5 * sqrt(COUNT * share * (1 - share));

    for (size_t b = 0; b < count; b++)
        ck_assert_double_eq_tol((double)bins[b], COUNT * share, slack);
}

START_TEST(samples_lie_in_the_space)
{
    sample(&box, 1, COUNT, points);
    for (size_t i = 0; i < COUNT * 3; i++)
        ck_assert(points[i] >= low[i % 3] && points[i] <= high[i % 3]);
    sample(&sphere, 1, COUNT, points);
    for (size_t k = 0; k < COUNT; k++)
        ck_assert_double_eq_tol(distance(&sphere, points + 3 * k), 2, 1e-13);
    sample(&circle, 1, COUNT, points);
    for (size_t k = 0; k < COUNT; k++)
        ck_assert_double_eq_tol(distance(&circle, points + 2 * k), 0.5, 1e-13);
}
END_TEST

START_TEST(a_box_is_filled_evenly)
{
    size_t bins[16] = {0};

    sample(&box, 2, COUNT, points);
    for (size_t k = 0; k < COUNT; k++)
        bins[4 * (size_t)((points[3 * k] + 1) * 2) + (size_t)(points[3 * k + 1] - 2)]++;
    expect_equal_shares(bins, 16);
}
END_TEST

/* The height above a sphere's middle is uniform (Archimedes), and so is the angle around it. */
START_TEST(a_sphere_is_covered_evenly)
{
    size_t heights[10] = {0}, angles[12] = {0};

    sample(&sphere, 3, COUNT, points);
    for (size_t k = 0; k < COUNT; k++) {
        const double *p = points + 3 * k;

        heights[(size_t)fmin(9, floor((p[2] - centre[2] + 2) * 2.5))]++;
        angles[(size_t)fmin(
            11, floor((atan2(p[1] - centre[1], p[0] - centre[0]) + M_PI) * 6 / M_PI))]++;
    }
    expect_equal_shares(heights, 10);
    expect_equal_shares(angles, 12);
}
END_TEST

START_TEST(a_circle_is_covered_evenly)
{
    size_t angles[24] = {0};

    sample(&circle, 4, COUNT, points);
    for (size_t k = 0; k < COUNT; k++) {
        double angle = atan2(points[2 * k + 1] - centre[1], points[2 * k] - centre[0]);

        angles[(size_t)fmin(23, floor((angle + M_PI) * 12 / M_PI))]++;
    }
    expect_equal_shares(angles, 24);
}
END_TEST

START_TEST(the_same_seed_draws_the_same_points)
{
    const struct amf_space *spaces[] = {&box, &sphere, &circle};
    double few[30], many[300], other[30];

    for (size_t s = 0; s < 3; s++) {
        sample(spaces[s], 7, 10, few);
        sample(spaces[s], 7, 100, many);
        sample(spaces[s], 8, 10, other);
        ck_assert_mem_eq(few, many, 10 * spaces[s]->dim * sizeof(double));
        ck_assert_mem_ne(few, other, 10 * spaces[s]->dim * sizeof(double));
    }
}
END_TEST

/* ---- the search ---- */

struct goal {
    size_t dim, calls, points;
    double at[3];
};

static enum amf_status minus_distance(void *arg, const double *values, size_t count,
                                      double *ret_values)
{
    struct goal *goal = arg;

    goal->calls++;
    goal->points += count;
    for (size_t k = 0; k < count; k++) {
        ret_values[k] = 0;
        for (size_t d = 0; d < goal->dim; d++)
            ret_values[k] -= pow(values[k * goal->dim + d] - goal->at[d], 2);
    }
    return AMF_OK;
}

static double search(const struct amf_space *space, struct goal *goal, size_t refinements,
                     double *ret_point)
{
    const struct amf_space_search how = {.budget = AMF_SPACE_BUDGET,
                                         .refinements = refinements,
                                         .seed = 5,
                                         .value = minus_distance,
                                         .arg = goal};
    struct amf_space_best best;

    goal->calls = goal->points = 0;
    ck_assert_int_eq(amf_space_maximise(space, &how, ret_point, &best), AMF_OK);
    ck_assert_uint_eq(best.evaluations, goal->points);
    ck_assert_uint_le(best.evaluations, AMF_SPACE_BUDGET + refinements);
    ck_assert_double_ge(best.value, best.sampled);
    return best.value;
}

START_TEST(shooting_takes_the_best_of_its_sample)
{
    struct goal goal = {.dim = 3, .at = {0.3, 4, 5}};
    double point[3], sampled[3 * AMF_SPACE_BUDGET], values[AMF_SPACE_BUDGET], largest = -INFINITY;

    sample(&box, 5, AMF_SPACE_BUDGET, sampled);
    ck_assert_int_eq(minus_distance(&goal, sampled, AMF_SPACE_BUDGET, values), AMF_OK);
    for (size_t k = 0; k < AMF_SPACE_BUDGET; k++)
        largest = fmax(largest, values[k]);
    ck_assert_double_eq(search(&box, &goal, 0, point), largest);
    ck_assert_uint_eq(goal.calls, 1);
}
END_TEST

START_TEST(refining_comes_close_and_stays_in_the_space)
{
    const struct amf_space *spaces[] = {&box, &sphere, &circle};
    /* a corner of the box; a pole of the sphere; the far side of the circle from angle 0 */
    struct goal goals[] = {
        {.dim = 3, .at = {1, 6, 5}}, {.dim = 3, .at = {10, -3, 2.5}}, {.dim = 2, .at = {9.5, -3}}};

    for (size_t s = 0; s < 3; s++) {
        double point[3], rough = search(spaces[s], &goals[s], 0, point);
        double fine = search(spaces[s], &goals[s], 400, point);

        ck_assert_double_gt(fine, rough);
        ck_assert_double_gt(fine, -1e-4);
        if (s)
            ck_assert_double_eq_tol(distance(spaces[s], point), spaces[s]->radius, 1e-12);
        for (size_t d = 0; s == 0 && d < 3; d++)
            ck_assert(point[d] >= low[d] && point[d] <= high[d]);
    }
}
END_TEST

static enum amf_status nowhere(void *arg, const double *values, size_t count, double *ret_values)
{
    (void)values;
    for (size_t k = 0; k < count; k++)
        ret_values[k] = *(double *)arg;
    return AMF_OK;
}

static enum amf_status refuse(void *arg, const double *values, size_t count, double *ret_values)
{
    (void)values;
    (void)ret_values;
    return count > 1 && arg ? AMF_OK : AMF_CANCELLED;
}

START_TEST(values_that_are_none_have_their_outcome)
{
    double point[3] = {42, 42, 42}, value = -INFINITY, first[3];
    struct amf_space_search how = {.budget = 10, .refinements = 5, .value = nowhere, .arg = &value};
    struct amf_space_best best;

    sample(&box, 0, 1, first);
    ck_assert_int_eq(amf_space_maximise(&box, &how, point, &best), AMF_OK);
    ck_assert(best.value == -INFINITY && best.evaluations == 10);
    ck_assert_mem_eq(point, first, sizeof(first));
    value = NAN;
    ck_assert_int_eq(amf_space_maximise(&box, &how, point, &best), AMF_NOT_FINITE);
    how.value = refuse;
    ck_assert_int_eq(amf_space_maximise(&box, &how, point, &best), AMF_CANCELLED); /* refining */
    how.arg = NULL;
    ck_assert_int_eq(amf_space_maximise(&box, &how, point, &best), AMF_CANCELLED);
    how.budget = 0;
    ck_assert_int_eq(amf_space_maximise(&box, &how, point, &best), AMF_BAD_ARGUMENT);
}
END_TEST

static void expect_fault(struct amf_space space, enum amf_status expected, const char *field)
{
    const char *named = "";
    double point[3];

    ck_assert_int_eq(amf_space_check(&space, &named), expected);
    ck_assert_str_eq(named, field);
    ck_assert_int_eq(amf_space_sample(&space, 0, 1, point), expected);
}

START_TEST(the_member_at_fault_is_named)
{
    const double nan[] = {0, NAN, 0}, wide[] = {1e308, 1e308, 1e308}, far[] = {-1e308, 0, 0};
    struct amf_space wrong = box;

    wrong.kind = (enum amf_space_kind)7;
    expect_fault(wrong, AMF_BAD_ARGUMENT, "kind");
    wrong = box;
    wrong.dim = 0;
    expect_fault(wrong, AMF_BAD_ARGUMENT, "dim");
    wrong = circle;
    wrong.dim = 3;
    expect_fault(wrong, AMF_BAD_ARGUMENT, "dim");
    wrong = box;
    wrong.low = nan;
    expect_fault(wrong, AMF_NOT_FINITE, "low");
    wrong = box;
    wrong.high = NULL;
    expect_fault(wrong, AMF_BAD_ARGUMENT, "high");
    wrong.high = low;
    wrong.low = high;
    expect_fault(wrong, AMF_BAD_ARGUMENT, "high");
    wrong.low = far;
    wrong.high = wide;
    expect_fault(wrong, AMF_NOT_FINITE, "high");
    wrong = sphere;
    wrong.centre = nan;
    expect_fault(wrong, AMF_NOT_FINITE, "centre");
    wrong = sphere;
    wrong.radius = 0;
    expect_fault(wrong, AMF_BAD_ARGUMENT, "radius");
    wrong.radius = INFINITY;
    expect_fault(wrong, AMF_NOT_FINITE, "radius");
}
END_TEST

/* ---- with the criterion ---- */

struct shooting {
    struct synthetic *synthetic;
    struct amf_pool *pool;
};

/* The gain of each point as a task of its own, beside the tasks that were demonstrated. */
static enum amf_status gain_of_points(void *arg, const double *tasks, size_t count,
                                      double *ret_values)
{
    struct shooting *shooting = arg;
    struct amf_problem problem = shooting->synthetic->problem;
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    double vectors[2 * (3 + AMF_SPACE_BUDGET)];
    size_t candidates[AMF_SPACE_BUDGET];
    enum amf_status status;

    memcpy(vectors, problem.task_vectors, 6 * sizeof(double));
    memcpy(vectors + 6, tasks, 2 * count * sizeof(double));
    for (size_t k = 0; k < count; k++)
        candidates[k] = 3 + k;
    problem.task_count = 3 + count;
    problem.task_vectors = vectors;
    problem.candidates = candidates;
    problem.candidate_count = count;
    status = amf_scorer_new(&problem, shooting->pool, &scorer);
    if (!status)
        status = amf_scorer_score(scorer, NULL, 0, &scores);
    for (size_t k = 0; !status && k < count; k++)
        ret_values[k] = scores->candidates[k].scorable ? scores->candidates[k].gain : -INFINITY;
    return status;
}

START_TEST(the_criterion_chooses_a_point_of_the_circle)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct shooting shooting = {&s, pool};
    const double origin[] = {0, 0};
    const struct amf_space around = {
        .kind = AMF_SPACE_CIRCLE, .dim = 2, .centre = origin, .radius = 1};
    struct amf_space_search how = {
        .budget = AMF_SPACE_BUDGET, .seed = 1, .value = gain_of_points, .arg = &shooting};
    struct amf_space_best rough, fine;
    double point[2], again[2];

    synthetic_init(&s, &(struct synthetic_shape){.seed = 2,
                                                 .demonstrations = 6,
                                                 .steps = 4,
                                                 .tasks = 3,
                                                 .state_dim = 2,
                                                 .action_dim = 2,
                                                 .task_dim = 2,
                                                 .kernel = AMF_KERNEL_RBF,
                                                 .noise = 0.2});
    for (size_t i = 0; i < 6; i++) /* tables per task, which know three tasks */
        s.trajectories[i].features = s.trajectories[i].gradients = s.trajectories[i].policy_mean =
            NULL;
    ck_assert_int_eq(amf_space_maximise(&around, &how, point, &rough), AMF_OK);
    ck_assert_int_eq(amf_space_maximise(&around, &how, again, &fine), AMF_OK);
    ck_assert_mem_eq(point, again, sizeof(point));
    ck_assert_double_gt(rough.value, 0);
    how.refinements = 20;
    ck_assert_int_eq(amf_space_maximise(&around, &how, again, &fine), AMF_OK);
    ck_assert_double_ge(fine.value, rough.value);
    ck_assert_double_eq_tol(hypot(again[0], again[1]), 1, 1e-12);
}
END_TEST

SUITE_MAIN("amf_space", samples_lie_in_the_space, a_box_is_filled_evenly,
           a_sphere_is_covered_evenly, a_circle_is_covered_evenly,
           the_same_seed_draws_the_same_points, shooting_takes_the_best_of_its_sample,
           refining_comes_close_and_stays_in_the_space, values_that_are_none_have_their_outcome,
           the_member_at_fault_is_named, the_criterion_chooses_a_point_of_the_circle)
