package alluvium.jobs.shapes;

record Hidden() implements Shape {}
